"""A simple server: each request goes through the Keras model on its own.

    python -m benchmarks.peers.keras_server model.keras call     model(x)
    python -m benchmarks.peers.keras_server model.keras predict  model.predict(x)

The same HTTP libraries and answers as `trainer.serve`; images are decoded by Pillow. It prints its address.
"""

import base64
import io
import socket
import sys

import keras
import numpy as np
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import trainer.layers  # noqa: F401 - the file refers to its layers


def main(path: str, way: str) -> None:
    model = keras.models.load_model(path)
    names = [str(label) for label in range(model.output_shape[1])]
    mode = "L" if model.input_shape[3] == 1 else "RGB"

    def answer(encoded: list[str]) -> list[dict[str, object]]:
        size = model.input_shape[2], model.input_shape[1]
        images = [Image.open(io.BytesIO(base64.b64decode(text))).convert(mode).resize(size) for text in encoded]
        batch = np.stack([np.asarray(image, np.float32).reshape(model.input_shape[1:]) for image in images])
        logits = model.predict(batch, verbose=0) if way == "predict" else model(batch, training=False).numpy()
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return [
            {"class": names[row.argmax()], "probability": float(row.max()), "probabilities": row.tolist()}
            for row in shares
        ]

    async def predict(request: Request) -> JSONResponse:
        instances = (await request.json())["instances"]
        return JSONResponse({"predictions": await run_in_threadpool(answer, [one["b64"] for one in instances])})

    app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
    black = io.BytesIO()
    Image.new("L", (8, 8)).save(black, "PNG")
    answer([base64.b64encode(black.getvalue()).decode()])
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:  # as in trainer.serve, for TCP_NODELAY
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        print(f"listens on http://127.0.0.1:{listening.getsockname()[1]}/predict", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
