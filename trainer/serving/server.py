"""The HTTP of Vertex AI's prediction containers: a health route, and one that takes instances and gives predictions.

Source: Vertex AI, "Custom container requirements for inference".
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from trainer.serving import request as requests
from trainer.serving.batcher import Batcher, BusyError
from trainer.serving.options import Options
from trainer.serving.predictor import Answer, BrokenSampleError, Predictor, Values

MAXIMUM_BODY = 1_572_864  # bytes: the service's limit, 1.5 MB, where an M is taken at its largest
_CAPACITY = 1024  # images that may wait: at a thousand a second, more would be answered too late


def app(predictor: Predictor, options: Options) -> Starlette:
    """Returns the application; it is ready as soon as it is served."""
    server = _Server(predictor, options)
    routes = [
        Route(options.health_route, server.health, methods=["GET"]),
        Route(options.predict_route, server.predict, methods=["POST"]),
    ]
    return Starlette(
        routes=routes, lifespan=server.running, exception_handlers={404: _missing, 405: _missing, 500: _failed}
    )


class _Server:
    """The two routes over one model.

    Args:
      predictor: answers.
      options: how requests are batched.
    """

    def __init__(self, predictor: Predictor, options: Options):
        self._predictor, self._executor = predictor, ThreadPoolExecutor(1, thread_name_prefix="predictor")
        self._one = predictor.kind.one
        limits: dict[str, Any] = {
            "maximum": options.max_batch,
            "seconds": options.max_wait_ms / 1000,
            "capacity": _CAPACITY,
        }
        self._encoded: Batcher[bytes, Answer | BrokenSampleError] = Batcher(
            predictor.of_encoded, self._executor, **limits
        )
        self._values: Batcher[Values, Answer] = Batcher(
            lambda arrays: predictor.of_values(np.stack(arrays)), self._executor, **limits
        )

    @contextlib.asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        """Answers what is asked meanwhile."""
        async with self._encoded.running(), self._values.running():
            yield
        self._executor.shutdown()

    async def health(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def predict(self, request: Request) -> Response:
        try:
            body = await _body(request)
            if body is None:
                return _error(413, f"the body must have at most {MAXIMUM_BODY:,} bytes")
            instances = requests.instances(body, self._predictor.form, self._predictor.kind.name)
            answers = await self._answers(instances)
        except requests.MalformedError as error:
            return _error(400, str(error))
        except BusyError as error:
            return _error(503, str(error), {"Retry-After": "1"})
        except ClientDisconnect:
            return _error(400, "the body ended early")
        for index, answer in enumerate(answers):
            if isinstance(answer, BrokenSampleError):
                return _error(400, f"instances[{index}] must be {self._one}. Received: {answer}")
        return _json({"predictions": [_prediction(answer) for answer in answers]})

    async def _answers(self, instances: Sequence[bytes | Values]) -> list[Answer | BrokenSampleError]:
        encoded, pixels = await asyncio.gather(
            self._encoded.submit([one for one in instances if isinstance(one, bytes)]),
            self._values.submit([one for one in instances if not isinstance(one, bytes)]),
        )
        answers = iter(encoded), iter(pixels)
        return [next(answers[not isinstance(one, bytes)]) for one in instances]


def _prediction(answer: Any) -> dict[str, Any]:
    return {
        "class": answer.name,
        "probability": answer.probability,
        "probabilities": answer.probabilities.tolist(),
    }


async def _body(request: Request) -> bytes | None:
    """Returns the body; nothing if it is too large, which stops the reading."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAXIMUM_BODY:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAXIMUM_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _missing(request: Request, error: Exception) -> Response:
    return _error(error.status_code, f"{request.method} {request.url.path}: {error.detail}", error.headers)  # type: ignore[attr-defined]


def _failed(request: Request, error: Exception) -> Response:
    return _error(500, "the model could not answer")  # why is in the server's log


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json({"error": message}, status, headers)


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers, "application/json")
