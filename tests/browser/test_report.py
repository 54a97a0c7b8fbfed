"""Reports in a browser, at the width of a telephone and of a desk; the pictures stay in build/screenshots."""

import shutil
from pathlib import Path

import pytest

from tests.browser import opening
from tests.browser.opening import SCREENSHOTS
from tests.pages import runs
from tests.study.shown import SHOWN, TRIALS
from trainer.report.__main__ import main
from trainer.study.local.ledger import Ledger

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on PATH"),
]

# The contrast of each text with the nearest background, by the definition of WCAG 2.
CONTRASTS = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = element => {
        const layers = [];
        for (let one = element; one; one = one.parentElement) {
            const [r, g, b, a = 1] = numbers(getComputedStyle(one).backgroundColor);
            layers.push([r, g, b, a]);
            if (a === 1) break;
        }
        const mixed = (below, [r, g, b, a]) => below.map((v, i) => v * (1 - a) + [r, g, b][i] * a);
        return layers.reverse().reduce(mixed, [255, 255, 255]);
    };
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        const has_text = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!has_text || element.tagName === 'title') continue;
        const style = getComputedStyle(element);
        const ink = element.tagName === 'text' ? style.fill : style.color;
        const [one, other] = [light(numbers(ink)), light(behind(element))].sort((a, b) => b - a);
        found.push([(one + 0.05) / (other + 0.05), element.tagName + ': ' + element.textContent.slice(0, 40)]);
    }
    return found.sort((a, b) => a[0] - b[0]);
}"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The reports of a run and of a study, with long names."""
    folder = tmp_path_factory.mktemp("reports")
    names = ("a_class_with_a_very_long_name_that_has_no_place_to_break_" * 2, "dog")
    assert main([f"--job_dir={runs.write(folder / 'run', names)}"]) == 0
    (folder / "study").mkdir()
    Ledger(folder / "study", SHOWN, 0).put(*TRIALS)
    assert main([f"--job_dir={folder / 'study'}"]) == 0
    return {name: folder / name / "report.html" for name in ("run", "study")}


@pytest.mark.parametrize("name", ["run", "study"])
def test_fits_on_paper(name: str, reports: dict[str, Path]) -> None:
    with opening.chromium(680, 1000) as browser:  # A4 between margins of 15 mm, in pixels
        page = browser.new_page()
        page.emulate_media(media="print")
        page.goto(f"file://{reports[name]}")
        assert page.evaluate("document.documentElement.scrollWidth") == 680, "nothing is cut off"
        heights = page.evaluate("[...document.querySelectorAll('.picture img')].map(image => image.clientHeight)")
        assert all(height < 500 for height in heights), "two pictures fit on a page"


@pytest.mark.parametrize("name", ["run", "study"])
@pytest.mark.parametrize(("width", "height"), [(400, 900), (1400, 1000)])
def test_fits_and_can_be_read_in_light_and_dark(name: str, width: int, height: int, reports: dict[str, Path]) -> None:
    asked: list[str] = []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with opening.chromium(width, height) as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: asked.append(message.text))
        page.goto(f"file://{reports[name]}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true })")
            assert page.evaluate("document.documentElement.scrollWidth") == width, "nothing scrolls sideways"
            contrast, where = page.evaluate(CONTRASTS)[0]
            assert contrast >= 4.5, (scheme, where)
            page.screenshot(path=SCREENSHOTS / f"report_{name}_{width}_{scheme}.png", full_page=True)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
    assert [one for one in asked if not one.startswith(("file://", "data:image/png"))] == []
