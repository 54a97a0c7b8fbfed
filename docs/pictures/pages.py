"""TensorBoard's pages on two runs, as a browser shows them, without what surrounds the pictures."""

import contextlib
import re
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import FloatRect, Page, sync_playwright

_RUNS = {"wide": ["--filters=16", "--kernel_size=5"], "strided": ["--filters=8", "--stride=2"]}


def draw(to: Path, folder: Path, source: str, epochs: int) -> None:
    """Trains two networks in the folder and draws what TensorBoard has of them.

    Args:
      to: the folder that takes the pictures.
      folder: takes the runs.
      source: the data, as `--data` takes it.
      epochs: passes over them.
    """
    for name, flags in _RUNS.items():
        command = [sys.executable, "-m", "trainer.task", f"--data={source}", f"--epochs={epochs}", *flags]
        subprocess.run([*command, f"--job_dir=runs/{name}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with _served(folder) as address, sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        for name, (place, ready, (left, top, right, bottom)) in _PAGES.items():
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(f"{address}#{place}")
            ready(page)
            clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
            page.screenshot(path=to / f"{name}.png", clip=clip)
            page.close()
        browser.close()


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Yields the address of a TensorBoard that has read the runs to their end."""
    command = [sys.executable, "-u", "-m", "trainer.tensorboard", "--logdir=runs", "--host=127.0.0.1", "--port=0"]
    quick = ["--load_fast=false", "--reload_task=blocking", "--reload_interval=0"]
    with subprocess.Popen(
        [*command, *quick], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            for line in server.stdout or ():
                if address := re.search(r"http://\S+/", line):
                    yield address.group()
                    return
            raise ChildProcessError("TensorBoard has not started")
        finally:
            server.terminate()


def _images(tags: str) -> tuple[str, Callable[[Page], None]]:
    def ready(page: Page) -> None:
        pictures = page.locator("tf-image-loader #main-image-container img")
        pictures.first.wait_for()
        for index in range(pictures.count()):
            image = pictures.nth(index).element_handle()
            page.wait_for_function("image => image.complete && image.naturalWidth", arg=image)
        page.wait_for_timeout(1500)  # the fade of the cards has no event

    return f"images&tagFilter={urllib.parse.quote(tags)}", ready


def _graph(page: Page) -> None:
    node = page.locator('tf-graph-scene g.node[data-name="conv1"]')
    node.locator("rect.nodecolortarget").first.dblclick()
    page.locator('tf-graph-scene g.node[data-name="conv1"].expanded').wait_for()
    page.wait_for_timeout(2000)  # so has the zoom


def _projector(page: Page) -> None:
    projector = page.frame_locator("iframe").frame_locator("iframe")
    projector.locator("#scatter canvas").first.wait_for()
    page.wait_for_timeout(8000)  # the principal components come with no event either


def _scalars(page: Page) -> None:
    page.locator("tf-custom-scalar-multi-line-chart-card path.line").nth(8).wait_for(state="attached")
    page.wait_for_timeout(2000)


def _hparams(page: Page) -> None:
    page.locator("tf-hparams-table-view vaadin-grid-cell-content").first.wait_for()
    page.wait_for_timeout(2000)


# What follows `#` in the address, what the page waits for, and the corners of the part that is kept, in pixels.
_PAGES: dict[str, tuple[str, Callable[[Page], None], tuple[int, int, int, int]]] = {
    "filters": (*_images("^filters/"), (330, 170, 1066, 800)),
    "feature_maps": (*_images("^feature_maps/[38]$"), (330, 170, 1066, 786)),
    "what_decides": (*_images("^what_decides/[38]$"), (330, 170, 1066, 672)),
    "curves": ("custom_scalars", _scalars, (330, 74, 1056, 740)),
    "graph": ("graphs", _graph, (480, 65, 1280, 800)),
    "projector": ("projector", _projector, (313, 65, 979, 800)),
}
