"""A TensorBoard of some logs, and a browser to look at it."""

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import BrowserContext, expect, sync_playwright

from tests import forked

PATIENCE = 120  # seconds; two idle cores draw the slowest page in five
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


@contextlib.contextmanager
def tensorboard(logs: Path, *flags: str) -> Iterator[str]:
    """Yields the address of a TensorBoard that takes requests."""
    command = [sys.executable, "-u", "-m", "trainer.tensorboard", f"--logdir={logs}", "--host=127.0.0.1", "--port=0"]
    lines: list[str] = []
    with forked.Popen([*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            for line in process.stdout or ():
                lines.append(line)
                if address := re.search(r"http://127\.0\.0\.1:\d+/", line):
                    yield address.group()
                    return
            raise AssertionError("".join(lines))
        finally:
            process.terminate()


@contextlib.contextmanager
def chromium(width: int, height: int) -> Iterator[BrowserContext]:
    """Yields a browser whose pages have this size and share its cache."""
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"],
        )
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(PATIENCE * 1000)
        yield context
        browser.close()
