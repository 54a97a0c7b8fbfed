"""What a person sees in TensorBoard, looked at with a browser; the pictures stay in build/screenshots."""

import re
import shutil
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests import forked
from tests.browser import opening
from tests.browser.opening import SCREENSHOTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on PATH"),
]

TRIALS = {"1": ["--filters=8", "--profile_steps=5,8"], "2": ["--filters=4", "--stride=2"]}  # the layout of a study
CONVOLUTIONS = ("conv1", "conv2")
CLASSES = tuple("0123456789")
VALIDATION_IMAGES = 144  # a tenth of the training images of digits

Dashboard = Callable[..., Page]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of two trials."""
    folder = tmp_path_factory.mktemp("tensorboard") / "study"
    for trial, flags in TRIALS.items():
        command = [sys.executable, "-m", "trainer.task", "--data=digits", "--epochs=2", "--dense_units=32", *flags]
        forked.run([*command, f"--job_dir={folder / trial}"], check=True)
    return folder


@pytest.fixture(scope="module")
def tensorboard(study: Path) -> Iterator[str]:
    """The address of a TensorBoard that has read the study to its end."""
    with opening.tensorboard(study, "--load_fast=false", "--reload_task=blocking", "--reload_interval=0") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with opening.chromium(1400, 900) as browser:
        yield browser


@pytest.fixture
def dashboard(tensorboard: str, browser: BrowserContext) -> Iterator[Dashboard]:
    """Opens a dashboard; at the test's end its picture is taken, and nothing that it asked for may have failed."""
    page = browser.new_page()
    name, failures = "", []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("response", lambda response: failures.append(response.url) if response.status >= 400 else None)

    def open_(dashboard: str, tags: str = "", picture: str = "") -> Page:
        nonlocal name
        name = picture or dashboard
        page.goto(f"{tensorboard}#{dashboard}" + (f"&tagFilter={urllib.parse.quote(tags)}" if tags else ""))
        return page

    yield open_
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    page.close()
    assert failures == []


def test_time_series_show_each_scalar_with_its_last_value(dashboard: Dashboard) -> None:
    page = dashboard("timeseries")
    tags = page.locator("metrics-tag-filter input")
    tags.fill("^(loss|accuracy|learning_rate)$")
    tags.press("Escape")  # the suggestions cover the charts
    cards = page.locator("metrics-filtered-view scalar-card")
    for name in ("loss", "accuracy"):
        rows = cards.filter(has=page.locator("tb-truncated-path", has_text=name)).locator("tb-data-table-content-row")
        for trial in TRIALS:
            for part in ("train", "validation"):
                expect(rows.filter(has_text=f"{trial}/logs/{part}")).to_contain_text(re.compile(r"\d\.\d+"))
    expect(cards.filter(has=page.locator("tb-truncated-path", has_text="learning_rate"))).to_be_attached()


def test_scalars_are_charted(dashboard: Dashboard) -> None:
    """Validation shares the charts of loss and accuracy with training."""
    names = {"loss": 4, "accuracy": 4, "learning_rate": 2, "gradient_norm": 2, "gradient_norm/conv1": 2}
    page = dashboard("scalars", tags=f"^({'|'.join(names)})$")
    cards = page.locator("tf-category-paginated-view").first.locator("tf-scalar-card")
    expect(cards).to_have_count(len(names))
    for name, runs in names.items():
        _expect_lines(_of_tag(cards, name), runs)


def test_custom_scalars_are_a_first_page_of_four_charts(dashboard: Dashboard) -> None:
    cards = dashboard("custom_scalars").locator("tf-custom-scalar-multi-line-chart-card")
    expect(cards).to_have_count(4)
    for index, (name, runs) in enumerate({"loss": 4, "accuracy": 4, "learning_rate": 2, "gradient_norm": 2}.items()):
        expect(cards.nth(index)).to_contain_text(name)
        _expect_lines(cards.nth(index), runs)


@pytest.mark.parametrize(
    ("tags", "width", "height"),
    [
        (["filters/conv1", "filters/conv2"], 20, 20),
        ([f"feature_maps/{name}" for name in CLASSES], 100, 50),
        ([f"what_decides/{name}" for name in CLASSES], 100, 50),
        (["results/confusion_matrix", "results/worst_mistakes", "results/worst_test_mistakes"], 100, 100),
    ],
    ids=["filters", "feature_maps", "what_decides", "results"],
)
def test_images_are_shown(tags: list[str], width: int, height: int, dashboard: Dashboard) -> None:
    group = tags[0].partition("/")[0]
    page = dashboard("images", tags=f"^{group}/", picture=f"images_{group}")
    for tag in tags[:2]:  # a page of the dashboard shows twelve
        cards = _of_tag(page.locator("tf-category-paginated-view").first.locator("tf-image-loader"), tag)
        expect(cards).to_have_count(len(TRIALS))
        for index in range(len(TRIALS)):
            image = cards.nth(index).locator("#main-image-container img")
            page.wait_for_function("image => image.complete && image.naturalWidth", arg=image.element_handle())
            size = image.evaluate("image => [image.naturalWidth, image.naturalHeight]")
            assert width <= size[0] <= 4000 and height <= size[1] <= 4000, (tag, size)
    shown = page.locator("tf-category-paginated-view").first.locator(".count")
    expect(shown).to_have_text(str(len(tags) * len(TRIALS)))


def test_graph_shows_a_convolution_as_one_node_that_opens(dashboard: Dashboard) -> None:
    page = dashboard("graphs")
    for name in CONVOLUTIONS:
        expect(_node(page, name)).to_have_class(re.compile(r"\bmeta\b"))
    edge = page.locator('tf-graph-scene g.edge[data-edge="conv1--conv2"] textPath')
    expect(edge).to_have_text(re.compile(r"^\?×28×28×8$"))
    _node(page, "conv1").locator("rect.nodecolortarget").first.dblclick()
    expect(_node(page, "conv1")).to_have_class(re.compile(r"\bexpanded\b"))
    operations = _node(page, "conv1").locator('g.node[data-name^="conv1/"]')
    expect(operations.filter(has_text=re.compile("conv", re.IGNORECASE)).first).to_be_visible()
    assert operations.count() > 1


def test_graph_has_a_conceptual_side(dashboard: Dashboard) -> None:
    page = dashboard("graphs", picture="graphs_keras")
    expect(page.locator("tf-graph-scene g.node").first).to_be_visible()
    page.locator("tf-graph-controls paper-dropdown-menu").nth(1).click()
    page.locator("tf-graph-controls paper-item", has_text="keras").click()
    conceptual = page.locator('tf-graph-controls paper-radio-button[name="conceptual_graph"]')
    expect(conceptual).to_have_attribute("aria-checked", "true")
    network = _node(page, "convolutional_network")
    network.locator("rect.nodecolortarget").first.dblclick()
    for name in (*CONVOLUTIONS, "pool", "logits"):
        expect(_node(page, f"convolutional_network/{name}")).to_be_attached()


@pytest.mark.parametrize("kind", ["histogram", "distribution"])
def test_weights_gradients_and_activations_have_their_spread(kind: str, dashboard: Dashboard) -> None:
    shape = {"histogram": "g.histogram path.outline", "distribution": "path.area"}[kind]
    page = dashboard(f"{kind}s", tags="^(weights|gradients|activations)/conv1(/kernel)?$")
    cards = page.locator("tf-category-paginated-view").first.locator(f"tf-{kind}-loader")
    expect(cards).to_have_count(3 * len(TRIALS))
    for what in ("weights", "gradients", "activations"):
        for index in range(len(TRIALS)):
            card = cards.filter(has_text=f"{what}/conv1").nth(index)
            expect(card.locator(shape).first).to_have_attribute("d", re.compile(r"^M[\d.,L-]+"))


def test_text_describes_the_network_layer_by_layer(dashboard: Dashboard) -> None:
    page = dashboard("text", tags="^network$")
    table = _of_tag(page.locator("tf-text-loader"), "network").first.locator("table")
    headings = [
        "layer",
        "output shape",
        "kernel",
        "stride",
        "padding",
        "receptive field (pixels)",
        "parameters",
        "share",
    ]
    expect(table.locator("th")).to_have_text([*headings, "multiply-adds"])
    row = table.locator("tr").filter(has=page.get_by_role("cell", name="conv1", exact=True))
    expect(row.locator("td").nth(headings.index("kernel"))).to_have_text("3×3")
    expect(row.locator("td").nth(headings.index("receptive field (pixels)"))).to_have_text("3×3")
    expect(row.locator("td").nth(headings.index("parameters"))).to_have_text("80")  # 9 · 8 + 8


def test_text_tells_how_to_run_it_again(dashboard: Dashboard) -> None:
    page = dashboard("text", tags="^(configuration|command_line)$", picture="text_configuration")
    cards = page.locator("tf-category-paginated-view").first.locator("tf-text-loader")
    for trial, flags in TRIALS.items():
        run = cards.filter(has_text=f"{trial}/logs")
        expect(_of_tag(run, "command_line")).to_contain_text(flags[0])
        row = _of_tag(run, "configuration").locator("tr").filter(has_text=re.compile(r"^\s*filters\b"))
        expect(row.locator("td").last).to_have_text(flags[0].partition("=")[2])


def test_hparams_list_the_trials_that_succeeded(dashboard: Dashboard) -> None:
    page = dashboard("hparams")
    boxes = page.locator("tf-hparams-query-pane paper-checkbox")
    for name in ("filters", "kernel_size", "learning_rate", "padding", "stride"):  # unasked
        expect(boxes.filter(has_text=re.compile(rf"^\s*{name}\s*$"))).to_have_attribute("aria-checked", "true")
    for status in ("Unknown", "Failure", "Running"):
        boxes.filter(has_text=status).click()
    cells = page.locator("tf-hparams-table-view vaadin-grid-cell-content")
    for text in ("filters", "accuracy", "loss", "8.0000", "4.0000"):
        expect(cells.get_by_text(text, exact=True)).to_be_visible()
    boxes.filter(has_text="Success").click()
    expect(cells.get_by_text("8.0000", exact=True)).to_be_hidden()
    boxes.filter(has_text="Success").click()  # for the picture
    expect(cells.get_by_text("8.0000", exact=True)).to_be_visible()


def test_pr_curves_are_drawn_for_each_class(dashboard: Dashboard) -> None:
    cards = dashboard("pr_curves").locator("tf-pr-curve-card")
    expect(cards).to_have_count(len(CLASSES))
    for name in CLASSES:
        _expect_lines(cards.filter(has_text=f"pr_curve/{name}"), len(TRIALS))


def test_projector_shows_the_validation_images(dashboard: Dashboard) -> None:
    projector = dashboard("projector").frame_locator("iframe").frame_locator("iframe")
    expect(projector.locator(".numDataPoints").first).to_have_text(str(VALIDATION_IMAGES))
    expect(projector.locator(".dim").first).to_have_text("32")
    expect(projector.locator("#scatter canvas").first).to_be_visible()


def test_profile_opens_the_trace_of_the_steps(dashboard: Dashboard) -> None:
    tools = dashboard("profile").frame_locator("iframe")
    for name, chosen in {"Sessions": "1/logs/train", "Tools": "Overview Page"}.items():
        expect(tools.get_by_text(re.compile(rf"{name} \(\d+\)"))).to_be_visible()
        expect(tools.get_by_text(re.compile(chosen)).first).to_be_visible()
    expect(tools.get_by_text("Device type: CPU")).to_be_visible()
    expect(tools.get_by_text("Host Compute Time")).to_be_visible()


def _of_tag(cards: Locator, tag: str) -> Locator:
    """Returns the cards whose heading has this tag and no other that merely begins with it."""
    heading = cards.page.locator("tf-card-heading", has_text=re.compile(rf"{re.escape(tag)}(?![\w/])"))
    return cards.filter(has=heading)


def _expect_lines(card: Locator, runs: int) -> None:
    """Expects that a line runs through the points of each run; a smoothed one may be beside it."""
    lines = card.locator("path.line")
    expect(lines.nth(runs - 1)).to_be_attached()
    drawn = [path for path in lines.evaluate_all("lines => lines.map(line => line.getAttribute('d'))") if path]
    assert len(drawn) >= runs, drawn


def _node(page: Page, name: str) -> Locator:
    return page.locator(f'tf-graph-scene g.node[data-name="{name}"]')
