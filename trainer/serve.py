"""Serves a trained model: `python -m trainer.serve --model=runs/wide/model`, here or in a Vertex AI container.

curl --data "{\\"instances\\": [{\\"b64\\": \\"$(base64 --wrap=0 seven.png)\\"}]}" localhost:8080/predict
"""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from trainer import console, interpreter, keras_settings
from trainer.errors import StorageError, UsageError
from trainer.quiet import without_chatter
from trainer.serving import options as serving_options
from trainer.serving.options import Options

if TYPE_CHECKING:
    import uvicorn

_MOST_POSITIONS = 25_000_000  # of a sample in a request: ten images are decoded in parallel, 75 MB each
_BACKLOG = 1024  # connections that wait to be accepted
_LAST_WORDS = 20  # seconds for requests that arrived before a signal


def main(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Serves until SIGTERM or SIGINT, then answers pending requests, and returns the exit status.

    0: success. 2: a flag or variable breaks a rule, the address is in use, or the extra `serve` is missing. 4: the
    model cannot be downloaded.
    """
    if "--help" in arguments or "-h" in arguments:
        print(serving_options.serve_parser().format_help(), end="")
        return 0
    try:
        _run(Options.read(arguments, variables))
    except UsageError as error:
        _report(str(error))
        return 2
    except StorageError as error:
        _report(str(error))
        return 4
    except KeyboardInterrupt:
        return 130
    return 0


def _run(options: Options) -> None:
    try:
        import starlette  # noqa: F401, the HTTP library of the server
        import uvicorn
    except ModuleNotFoundError:
        raise UsageError(
            f"`trainer.serve` needs the packages starlette and uvicorn: {interpreter.install('serve')}"
        ) from None
    with without_chatter(), keras_settings.ignored():
        from trainer.serving import server
        from trainer.serving.folder import local
        from trainer.serving.predictor import Predictor
    with listening(options) as listener:
        predictor = Predictor(local(options.model, options.cache_dir, _report), _MOST_POSITIONS)
        predictor.warm_up()
        config = uvicorn.Config(
            server.app(predictor, options),
            log_level="warning",
            access_log=False,
            ws="none",  # unused here, and the package that uvicorn would load for it warns
            timeout_graceful_shutdown=_LAST_WORDS,
        )
        uvicorn_server = uvicorn.Server(config)
        listener.listen(_BACKLOG)
        host, port = listener.getsockname()[:2]
        print(f"listens on http://{f'[{host}]' if ':' in host else host}:{port}{options.predict_route}", flush=True)
        with _ending(uvicorn_server):
            uvicorn_server.run([listener])


@contextlib.contextmanager
def listening(options: Options) -> Iterator[socket.socket]:
    """Yields a socket that is bound; it listens after the model is loaded: before that, the server is not healthy."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # The protocol is explicit: otherwise asyncio does not turn off Nagle's 40 ms delay between header and body.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((options.host, options.port))
        except OSError as error:
            address = f"{options.host}:{options.port}"
            raise UsageError(
                f"`--host` and `--port` must be an address to listen on. Received: {address} ({error.strerror})"
            ) from None
        yield listener


@contextlib.contextmanager
def _ending(server: "uvicorn.Server") -> Iterator[None]:
    """Makes a signal end only the server: uvicorn raises the signals again after it has ended."""
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    for number in former:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _report(line: str) -> None:
    console.report(f"trainer.serve: {line}")


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:], os.environ))
