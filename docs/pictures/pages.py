"""TensorBoard's dashboards of two runs, as a browser shows them: the content, without what surrounds it."""

import contextlib
import dataclasses
import re
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Browser, FloatRect, Frame, Page, sync_playwright

_RUNS = {"wide": ["--filters=16", "--kernel_size=5"], "strided": ["--filters=8", "--stride=2"]}
_WIDTH = 800  # pixels of a picture in a document; the files have twice as many, for sharp letters


@dataclasses.dataclass(frozen=True)
class _Part:
    """A part of a dashboard.

    Attributes:
      dashboard: the address after `#`.
      prepare: waits for the content, hides everything else, and returns the corners of the picture: left, top, right
        and bottom, in pixels of the page.
      scale: pixels of the file per pixel of the page.
    """

    dashboard: str
    prepare: Callable[[Page], tuple[float, float, float, float]]
    scale: int = 2


def draw(to: Path, folder: Path, source: str, epochs: int) -> None:
    """Trains two networks in a folder and draws their dashboards.

    Args:
      to: the folder of the pictures.
      folder: the folder of the runs.
      source: the data, as for `--data`.
      epochs: the epochs of each run.
    """
    for name, flags in _RUNS.items():
        command = [sys.executable, "-m", "trainer.task", f"--data={source}", f"--epochs={epochs}", *flags]
        subprocess.run([*command, f"--job_dir=runs/{name}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    photograph(to, folder)


def photograph(to: Path, folder: Path) -> None:
    """Draws the dashboards of the runs in `runs/` of a folder.

    Args:
      to: the folder of the pictures.
      folder: the folder that contains `runs/`.
    """
    with _served(folder) as address, sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, tag in _PICTURES.items():
            with _page(browser, f"{address}#images&tagFilter={urllib.parse.quote(f'^{tag}$')}") as page:
                _cards(page, to / f"{name}.png")
        for name, part in _PARTS.items():
            with _page(browser, f"{address}#{part.dashboard}", part.scale) as page:
                left, top, right, bottom = part.prepare(page)
                clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
                page.screenshot(path=to / f"{name}.png", clip=clip)
        browser.close()


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Yields the address of a TensorBoard that has read all runs completely."""
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


@contextlib.contextmanager
def _page(browser: Browser, address: str, scale: int = 2) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=scale)
    page.set_default_timeout(60_000)
    page.goto(address)
    yield page
    page.close()


def _cards(page: Page, file: Path) -> None:
    """Draws the first card of each run in the Images dashboard: the picture under the flags of its run."""
    pictures = page.locator("tf-image-loader #main-image-container img")
    pictures.nth(len(_RUNS) - 1).wait_for()
    sources = []
    for index in range(len(_RUNS)):
        picture = pictures.nth(index).element_handle()
        page.wait_for_function("image => image.complete && image.naturalWidth", arg=picture)
        sources.append(pictures.nth(index).evaluate(_AS_DATA))
    runs = page.locator("tf-image-loader tf-card-heading").evaluate_all("cards => cards.map(card => card.run)")
    cards = [
        f"<figure><figcaption>{' '.join(_RUNS[run.split('/')[0]])}</figcaption><img src='{source}'></figure>"
        for run, source in zip(runs, sources, strict=False)
    ]
    page.set_viewport_size({"width": _WIDTH, "height": 900})
    page.set_content(f"<style>{_STYLE}</style><main>{''.join(cards)}</main>")
    page.locator("main").screenshot(path=file)


def _hide(page: Page | Frame, *selectors: str) -> None:
    """Hides elements of a page or a frame, also in shadow trees."""
    page.evaluate(_HIDE, f"{', '.join(selectors)} {{ display: none !important }}")


def _graph(page: Page) -> tuple[float, float, float, float]:
    node = page.locator('tf-graph-scene g.node[data-name="conv1"]')
    node.locator("rect.nodecolortarget").first.dblclick()
    page.locator('tf-graph-scene g.node[data-name="conv1"].expanded').wait_for()
    _hide(page, "tf-graph-info", "tf-graph-minimap", ".context-menu")
    page.wait_for_timeout(4000)  # the zoom has no event
    box = node.first.bounding_box() or {"x": 480, "y": 320, "width": 800, "height": 400}
    top, bottom = box["y"] - box["height"] / 2, box["y"] + 1.5 * box["height"]
    return box["x"] - 10, max(70.0, top), min(1280.0, box["x"] + box["width"] + 10), min(900.0, bottom)


def _projector(page: Page) -> tuple[float, float, float, float]:
    projector = page.frame_locator("iframe").frame_locator("iframe")
    projector.locator("#scatter canvas").first.wait_for()
    page.wait_for_timeout(8000)  # the principal components have no event either
    for frame in page.frames:
        _hide(frame, "#help-3d-icon", "#reset-zoom", "#zoom-in", "#zoom-out", ".control")
    return 313, 125, 979, 800


def _scalars(page: Page) -> tuple[float, float, float, float]:
    page.locator("tf-custom-scalar-multi-line-chart-card path.line").nth(8).wait_for(state="attached")
    page.evaluate(_LEGEND)
    _hide(page, "#buttons", "#matches-container", "tf-custom-scalar-card-heading .heading-row")
    page.wait_for_timeout(2000)
    return 330, 74, 1056, 600


_AS_DATA = """image => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL();
}"""
_HIDE = """rules => {
    const roots = [document];
    while (roots.length) {
        const root = roots.pop(), style = document.createElement("style");
        style.textContent = rules;
        (root.head ?? root).append(style);
        root.querySelectorAll("*").forEach(element => element.shadowRoot && roots.push(element.shadowRoot));
    }
}"""
# Writes the colour of each run, which the cards only show when they are opened, over the title of the charts.
_LEGEND = """() => {
    const roots = [document], legend = document.createElement("div");
    legend.style.cssText = "position:fixed; left:346px; top:76px; width:700px; height:40px; z-index:99;"
        + "background:white; display:flex; gap:24px; align-items:center; font:14px sans-serif";
    while (roots.length) {
        roots.pop().querySelectorAll("*").forEach(element => {
            if (element.shadowRoot) roots.push(element.shadowRoot);
            const run = /^\\s*(\\S)\\s*loss .(\\w+).logs.(\\w+)/.exec(element.textContent);
            if (!run || !element.classList.contains("match-list-entry")) return;
            const entry = legend.appendChild(document.createElement("span"));
            [entry.textContent, entry.style.color] = [`${run[1]} ${run[2]}, ${run[3]}`, element.style.color];
        });
    }
    document.body.append(legend);
}"""
_STYLE = """
body { margin: 0 } main { display: flex; gap: 16px; padding: 8px; background: white; align-items: flex-start }
figure { flex: 1; margin: 0 } img { width: 100% } figcaption { font: 14px monospace; padding: 4px 2px 8px }
"""
# The tag of each picture in the Images dashboard.
_PICTURES = {"filters": "filters/.*", "feature_maps": "feature_maps/3", "what_decides": "what_decides/3"}
_PARTS = {
    "curves": _Part("custom_scalars&_smoothingWeight=0", _scalars),
    "graph": _Part("graphs", _graph),
    "projector": _Part("projector", _projector, scale=1),
}
