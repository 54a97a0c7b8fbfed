"""The HTTP of Vertex AI's prediction containers: health, predictions, and explanations of them.

Source: Vertex AI, "Custom container requirements for inference", and `ExplainResponse` of its API.
"""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from trainer.errors import UsageError
from trainer.serving import request as requests
from trainer.serving.batcher import Batcher, BusyError
from trainer.serving.explanations import Explanation, Explanations
from trainer.serving.options import Options
from trainer.serving.predictor import Answer, BrokenSampleError, Predictor, Values

Work = Callable[[Sequence[bytes | Values]], Awaitable[Response]]

MAXIMUM_BODY = 1_572_864  # bytes: the service's limit, 1.5 MB, where an M is taken at its largest
_CAPACITY = 1024  # images that may wait: at a thousand a second, more would be answered too late


def app(predictor: Predictor, options: Options) -> Starlette:
    """Returns the application; it is ready as soon as it is served. The first explanation takes a second more."""
    server = _Server(predictor, options)
    routes = [
        Route(options.health_route, server.health, methods=["GET"]),
        Route(options.predict_route, server.predict, methods=["POST"]),
        Route("/explain", server.explain, methods=["POST"]),
        Route("/{name:path}:explain", server.explain, methods=["POST"]),
    ]
    return Starlette(
        routes=routes, lifespan=server.running, exception_handlers={404: _missing, 405: _missing, 500: _failed}
    )


class _Server:
    """The routes over one model.

    Args:
      predictor: answers.
      options: how requests are batched.
    """

    def __init__(self, predictor: Predictor, options: Options):
        self._explanations: Explanations | None = None
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
        self._explained: Batcher[bytes | Values, Explanation | BrokenSampleError] = Batcher(
            self._explain, self._executor, **limits
        )

    @contextlib.asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        """Answers what is asked meanwhile."""
        async with self._encoded.running(), self._values.running(), self._explained.running():
            yield
        self._executor.shutdown()

    async def health(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def predict(self, request: Request) -> Response:
        return await self._respond(request, self._predictions)

    async def explain(self, request: Request) -> Response:
        return await self._respond(request, self._explanations_of)

    async def _respond(self, request: Request, work: Work) -> Response:
        try:
            body = await _body(request)
            if body is None:
                return _error(413, f"the body must have at most {MAXIMUM_BODY:,} bytes")
            return await work(requests.instances(body, self._predictor.form, self._predictor.kind.name))
        except requests.MalformedError as error:
            return _error(400, str(error))
        except BusyError as error:
            return _error(503, str(error), {"Retry-After": "1"})
        except ClientDisconnect:
            return _error(400, "the body ended early")

    async def _predictions(self, instances: Sequence[bytes | Values]) -> Response:
        answers = await self._answers(instances)
        return self._broken(answers) or _json({"predictions": [self._prediction(answer) for answer in answers]})

    async def _explanations_of(self, instances: Sequence[bytes | Values]) -> Response:
        try:
            found = await self._explained.submit(instances)
        except UsageError as error:
            return _error(501, f"the model cannot be explained here: {error}")
        if broken := self._broken(found):
            return broken
        given = [one for one in found if isinstance(one, Explanation)]
        return _json(
            {
                "explanations": [{"attributions": [_attribution(one, self._predictor)]} for one in given],
                "predictions": [self._prediction(one.answer) for one in given],
            }
        )

    def _prediction(self, answer: Any) -> dict[str, Any]:
        return self._predictor.outputs.prediction(answer)

    def _explain(self, samples: list[bytes | Values]) -> Sequence[Explanation | BrokenSampleError]:
        if self._explanations is None:
            self._explanations = Explanations(self._predictor)
        return self._explanations.of(samples)

    def _broken(self, found: Sequence[Any]) -> Response | None:
        """Returns the response to a request of which a sample cannot be read."""
        for index, one in enumerate(found):
            if isinstance(one, BrokenSampleError):
                return _error(400, f"instances[{index}] must be {self._one}. Received: {one}")
        return None

    async def _answers(self, instances: Sequence[bytes | Values]) -> list[Answer | BrokenSampleError]:
        encoded, pixels = await asyncio.gather(
            self._encoded.submit([one for one in instances if isinstance(one, bytes)]),
            self._values.submit([one for one in instances if not isinstance(one, bytes)]),
        )
        answers = iter(encoded), iter(pixels)
        return [next(answers[not isinstance(one, bytes)]) for one in instances]


def _attribution(found: Explanation, predictor: Predictor) -> dict[str, Any]:
    """Returns an `Attribution` of Vertex AI's ExplainResponse."""
    error = {} if found.error is None else {"approximationError": found.error}
    return {
        "baselineOutputValue": found.baseline,
        "instanceOutputValue": found.logit,
        "featureAttributions": {predictor.kind.name: _rounded(found.map)},
        "outputIndex": [found.index],
        "outputDisplayName": predictor.classes[found.index],
        "outputName": "logits",
        **error,
    }


def _rounded(values: np.ndarray) -> Any:
    """Returns an array as lists, to six digits of the largest number: with all of float32's, a map is twice as long."""
    largest = float(np.abs(values).max(initial=0.0))
    digits = 6 - math.ceil(math.log10(largest)) if largest > 0 and math.isfinite(largest) else 6
    return np.round(values.astype(np.float64), digits).tolist()


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
