"""The flags of `trainer.serve` and `trainer.predict`, and the environment of a serving container."""

import dataclasses
from collections.abc import Mapping, Sequence

from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.parsers import Parser


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How to serve a model.

    Attributes:
      model: the folder of a finished run, or of an exported model; also gs://….
      host: the address to listen on.
      port: the port to listen on; 0 selects a free one.
      health_route: the path of health checks.
      predict_route: the path of predictions.
      max_batch: samples per call of the model.
      max_wait_ms: milliseconds that a sample waits for others if the model is idle.
      cache_dir: the local folder for downloads.
    """

    model: str
    host: str = "127.0.0.1"
    port: int = 8080
    health_route: str = "/health"
    predict_route: str = "/predict"
    max_batch: int = 32
    max_wait_ms: int = 0
    cache_dir: str = HParams.cache_dir

    @classmethod
    def read(cls, arguments: Sequence[str], variables: Mapping[str, str]) -> "Options":
        """Returns what a command line asks for, else what the environment of a Vertex AI container says.

        Raises:
          UsageError: a flag is unknown, or a value breaks its rule.
        """
        given = serve_parser().read(arguments)
        model = given.model or variables.get("AIP_STORAGE_URI", "")
        if not model:
            raise UsageError("`--model` must be the folder model/ of a finished run. Received: nothing")
        port = given.port or variables.get("AIP_HTTP_PORT") or str(cls.port)
        routes = {name: variables.get(f"AIP_{name.upper()}") or getattr(cls, name) for name in _ROUTES}
        for name, route in routes.items():
            if not route.startswith("/") or "{" in route:
                raise UsageError(f"`AIP_{name.upper()}` must be a path, as in /predict. Received: {route}")
        return cls(
            model=model,
            # A container is reached from outside of it; any other server only where `--host` says so.
            host=given.host or ("0.0.0.0" if variables.get("AIP_HTTP_PORT") else cls.host),  # noqa: S104
            port=whole("port", port, 0, 65535),
            max_batch=whole("max_batch", given.max_batch, 1, 4096),
            max_wait_ms=whole("max_wait_ms", given.max_wait_ms, 0, 60_000),
            cache_dir=given.cache_dir,
            **routes,
        )


_ROUTES = ("health_route", "predict_route")


def serve_parser() -> Parser:
    """Returns what reads the command line of `trainer.serve`, and explains it."""
    parser = _parser("trainer.serve", "Serves a model over HTTP as a prediction container of Vertex AI.")
    parser.add_argument("--host", default="", help=f"address to listen on (default {Options.host})")
    parser.add_argument("--port", default="", help=f"port to listen on; 0 selects a free port (default {Options.port})")
    batch, wait = Options.max_batch, Options.max_wait_ms
    parser.add_argument("--max_batch", default=str(batch), help=f"samples per call of the model (default {batch})")
    parser.add_argument(
        "--max_wait_ms", default=str(wait), help=f"milliseconds that a sample waits for others (default {wait})"
    )
    parser.epilog = (
        "On Vertex AI, AIP_STORAGE_URI, AIP_HTTP_PORT, AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE give the defaults."
    )
    return parser


def predict_parser() -> Parser:
    """Returns what reads the command line of `trainer.predict`, and explains it."""
    parser = _parser("trainer.predict", "Prints the class of each image, signal or volume, with its probability.")
    parser.add_argument("--top", default="1", help="number of classes to print, most probable first (default 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument("--batch_size", default="64", help="samples per call of the model (default 64)")
    parser.add_argument("--explain", default="", help="new folder for pictures of what decides each class")
    parser.add_argument("files", nargs="*", metavar="FILE", help="file, folder, or - for standard input")
    return parser


def _parser(module: str, description: str) -> Parser:
    parser = Parser(f"python -m {module}", description)
    parser.add_argument("--model", default="", help="folder of a finished run, or its model/; also gs://…")
    cache = HParams.cache_dir
    parser.add_argument("--cache_dir", default=cache, help=f"local folder for downloads from buckets (default {cache})")
    return parser


def whole(name: str, text: str, minimum: int, maximum: int) -> int:
    """Returns a flag's text as a number.

    Raises:
      UsageError: it is none, or is out of bounds.
    """
    if not (text.isdecimal() and minimum <= int(text) <= maximum):
        raise UsageError(f"`--{name}` must be a whole number from {minimum:,} to {maximum:,}. Received: {text}")
    return int(text)
