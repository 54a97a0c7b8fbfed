"""A document's blocks, run in order as a reader does: real shells, and a server beside them."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.documents import blocks, ports
from tests.documents.blocks import Block
from tests.documents.output import Output
from tests.documents.scratch import Scratch

_LIMIT = 600.0  # seconds for a block
_LAST_WORDS = 30.0  # seconds for a server to end after Ctrl-C
_STOPPED = {0, 130, -signal.SIGINT}


class BlockError(Exception):
    """A block does not do what its document says. The message has its line and the end of its output."""


class Shell:
    """Runs documents.

    Args:
      scratch: where.
      limit: seconds for each block.
      pythons: the address of a `Pythons`, which forks the processes of `sh` and `python` blocks.
    """

    def __init__(self, scratch: Scratch, limit: float = _LIMIT, pythons: str = ""):
        self._scratch, self._limit, self._pythons = scratch, limit, pythons

    def run(self, document: Path) -> None:
        """Runs all blocks of a document that are to be run.

        Raises:
          BlockError: one fails, or a server does not come up, dies, or does not end.
        """
        with contextlib.ExitStack() as serving:
            for block in blocks.read(document):
                if block.tag == "sh server":
                    serving.close()
                    serving.enter_context(self._served(block))
                elif block.tag in blocks.RUN:
                    self._run(block)

    def _run(self, block: Block) -> None:
        with self._started(block) as (process, output):
            try:
                status = process.wait(self._limit)
            except subprocess.TimeoutExpired:
                raise BlockError(f"{block}: takes more than {self._limit:.0f} s\n{output.end()}") from None
            if status:
                raise BlockError(f"{block}: ends with status {status}\n{output.end()}")

    @contextlib.contextmanager
    def _served(self, block: Block) -> Iterator[None]:
        """Keeps a server running meanwhile, and ends it as Ctrl-C does."""
        with ports.taken(ports.named(block.content)), self._started(block) as (process, output):
            if not output.wait_for_address(self._limit):
                raise BlockError(f"{block}: no address to connect to, of a server that runs\n{output.end()}")
            yield
            if process.poll() is not None:
                raise BlockError(f"{block}: the server has ended with status {process.returncode}\n{output.end()}")
            os.killpg(process.pid, signal.SIGINT)
            try:
                status = process.wait(_LAST_WORDS)
            except subprocess.TimeoutExpired:
                raise BlockError(f"{block}: runs on {_LAST_WORDS:.0f} s after Ctrl-C\n{output.end()}") from None
            if status not in _STOPPED:
                raise BlockError(f"{block}: ends with status {status} after Ctrl-C\n{output.end()}")

    @contextlib.contextmanager
    def _started(self, block: Block) -> Iterator[tuple[subprocess.Popen[str], Output]]:
        """Yields a running block. Nothing that it has started outlives it."""
        # What downloads imports a changed Keras, and Ctrl-C must reach a server as it reaches it in a terminal.
        pythons = self._pythons if block.tag in ("sh", "python") else ""
        variables = self._scratch.variables(downloads=block.tag == "sh download", pythons=pythons)
        # Named after the document, and its lines where they are there: so say error messages where that is.
        # In a folder of its own, as a shell reads on in its script while it runs.
        script = Path(tempfile.mkdtemp(dir=variables["TMPDIR"])) / block.document.name
        script.write_text("\n" * (block.line - 1) + block.content, encoding="utf-8")
        process = subprocess.Popen(
            [*(["python"] if block.tag == "python" else ["bash", "-e"]), str(script)],
            cwd=self._scratch.repository,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        output = Output(process)
        try:
            yield process, output
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            output.close()
