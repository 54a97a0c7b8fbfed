"""The HParams page of a study, looked at with a browser; the pictures stay in build/screenshots."""

import dataclasses
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import forked
from tests.browser import opening
from tests.browser.opening import PATIENCE, SCREENSHOTS
from tests.study.shown import NOW, SHOWN, TRIALS
from trainer.study.screen import page as study_page
from trainer.study.trial import ACTIVE, SUCCEEDED, Trial

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on PATH"),
]

COLUMNS = ("dilation_rate", "filters", "learning_rate", "padding", "stride")  # in TensorBoard's order, all unasked
ROWS = {  # those cells, and the metric
    "study/001": ["2.0000", "8.0000", "0.0012346", "same", "1.0000", "0.93750"],
    "study/002": ["", "4.0000", "0.010000", "valid", "2.0000", ""],
    "study/003": ["", "4.0000", "0.00010000", "valid", "2.0000", "0.25000"],
    "study/004": ["1.0000", "8.0000", "0.0020000", "same", "1.0000", "0.50000"],
}
CELLS = """grid => {
    const rows = [...grid.shadowRoot.querySelectorAll('tbody#items tr:not([hidden])')];
    return rows.map(row => [...row.querySelectorAll('td')].map(cell => {
        const slot = cell.querySelector('slot');
        return slot.assignedNodes().map(node => node.innerText).join('').trim();
    }));
}"""  # of the rows that a grid shows
STATUSES = {"Success": {"study/001", "study/003"}, "Failure": {"study/002"}, "Running": {"study/004"}}
# The first has logs of its own, written with the page there, and the third some of a run that was stopped; the others
# have none, as those that crash at once, or come from Vertex AI.
SEEN: tuple[Trial, ...] = (*TRIALS[:3], dataclasses.replace(TRIALS[3], state=ACTIVE))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of four trials, one of them running."""
    folder = tmp_path_factory.mktemp("study") / "study"
    study_page.write(SHOWN, (), folder)
    command = [sys.executable, "-m", "trainer.task", "--data=digits", "--epochs=1", "--filters=4", "--log_images=never"]
    forked.run([*command, f"--job_dir={folder / '1'}"], check=True)
    shutil.copytree(folder / "1" / "logs", folder / "3" / "logs")
    for count in range(len(SEEN) + 1):  # as a study does that goes on
        study_page.write(SHOWN, SEEN[:count], folder)
    return folder


@pytest.fixture(scope="module")
def dashboard(study: Path) -> Iterator[Page]:
    """The HParams page of a TensorBoard as the study says to open it; nothing that it asks for may fail."""
    failures: list[str] = []
    with opening.tensorboard(study, "--reload_interval=1") as address, opening.chromium(1600, 900) as browser:
        page = browser.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("response", lambda response: failures.append(response.url) if response.status >= 400 else None)
        page.goto(f"{address}#hparams")
        yield page
    assert failures == []


def test_it_lists_each_trial_once_with_its_parameters_and_its_metric(dashboard: Page) -> None:
    _expect_rows(dashboard, set(ROWS))
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    dashboard.screenshot(path=SCREENSHOTS / "study_hparams.png")
    assert _rows(dashboard) == ROWS


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_trials(status: str, dashboard: Page) -> None:
    others = [other for other in (*STATUSES, "Unknown") if other != status]
    _click_statuses(dashboard, others)
    _expect_rows(dashboard, STATUSES[status])
    _click_statuses(dashboard, others)
    _expect_rows(dashboard, set(ROWS))


def test_columns_have_the_domains_of_the_configuration(dashboard: Page) -> None:
    discrete = {"filters": ["4.0000", "8.0000"], "padding": ["same", "valid"], "dilation_rate": ["1.0000", "2.0000"]}
    for name in COLUMNS:
        expect(_filter(dashboard, name).locator("paper-checkbox.hparam-checkbox")).to_have_attribute(
            "aria-checked", "true"
        )
    for name, values in discrete.items():
        assert _boxes(_filter(dashboard, name)) == [name, *values]
    for name in ("learning_rate", "stride"):
        column = _filter(dashboard, name)
        assert _boxes(column) == [name]
        expect(column.locator("paper-input")).to_have_count(2)  # the least and the most


def test_a_discrete_domain_filters(dashboard: Page) -> None:
    box = _filter(dashboard, "filters").locator("paper-checkbox").filter(has_text=re.compile(r"^\s*8"))
    box.click()
    _expect_rows(dashboard, {"study/002", "study/003"})
    box.click()
    _expect_rows(dashboard, set(ROWS))


def test_a_trial_that_ends_is_seen_without_a_restart(dashboard: Page, study: Path) -> None:
    _click_statuses(dashboard, ["Running", "Failure", "Unknown"])
    _expect_rows(dashboard, STATUSES["Success"])
    study_page.write(SHOWN, [*SEEN[:3], dataclasses.replace(SEEN[3], state=SUCCEEDED, ended=NOW)], study)
    deadline = time.monotonic() + PATIENCE
    while "study/004" not in _rows(dashboard):  # TensorBoard reads the logs once a second
        assert time.monotonic() < deadline, _rows(dashboard)
        with dashboard.expect_response(lambda response: "session_groups" in response.url):
            dashboard.locator("app-header-reload button").click()
    _click_statuses(dashboard, ["Success", "Running"])
    _expect_rows(dashboard, set())


def _click_statuses(page: Page, names: Sequence[str]) -> None:
    boxes = page.locator("tf-hparams-query-pane .section.status paper-checkbox")
    for name in names:
        boxes.filter(has_text=re.compile(rf"^\s*{name}\s*$")).click()


def _rows(page: Page) -> dict[str, list[str]]:
    """Returns the cells of each row of the table view, by the trial's name."""
    cells = page.locator("tf-hparams-table-view vaadin-grid").evaluate(CELLS)
    return {row[0]: row[2 : 2 + len(COLUMNS) + 1] for row in cells}


def _expect_rows(page: Page, names: set[str]) -> None:
    grid = page.locator("tf-hparams-table-view vaadin-grid").element_handle()
    has_them = f"([grid, names]) => JSON.stringify(({CELLS})(grid).map(row => row[0]).sort()) === JSON.stringify(names)"
    page.wait_for_function(has_them, arg=[grid, sorted(names)])


def _filter(page: Page, name: str) -> Locator:
    box = page.locator("paper-checkbox.hparam-checkbox", has_text=re.compile(rf"^\s*{name}\s*$"))
    return page.locator("tf-hparams-query-pane .hparam").filter(has=box)


def _boxes(column: Locator) -> list[str]:
    return [text.strip() for text in column.locator("paper-checkbox").all_inner_texts()]
