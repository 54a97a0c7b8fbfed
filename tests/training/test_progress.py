import io
import re

import pytest
from rich.console import Console

from trainer.training.progress import Progress

LOGS = {"loss": 0.5, "accuracy": 0.75, "gradient_norm": 3.0, "gradient_norm/conv": 3.0, "input_wait": 0.1}
AFTER = {**LOGS, "val_loss": 0.25, "val_accuracy": 0.875}


def _draw(terminal: bool, width: int = 140, epochs: int = 2, *, verbose: bool = False, quiet: bool = False) -> str:
    screen = Console(file=io.StringIO(), force_terminal=terminal, width=width, highlight=False, quiet=quiet)
    with Progress(screen, epochs=epochs, count=37, batch_size=10, samples="images", is_verbose=verbose) as progress:
        for epoch in range(2):
            progress.on_epoch_begin(epoch)
            progress.on_train_batch_end(1, LOGS)
            progress.on_train_batch_end(3, LOGS)
            progress.on_epoch_end(epoch, AFTER)
    return screen.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def _frames(drawn: str) -> list[str]:
    """Returns what the terminal has shown, one line after the other, without the codes."""
    return [line for line in re.split(r"[\r\n]", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", drawn)) if line.strip()]


def test_one_line_an_epoch_without_a_terminal() -> None:
    lines = _draw(terminal=False, width=40).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert lines[0].endswith("loss 0.5000  accuracy 0.7500  val_loss 0.2500  val_accuracy 0.8750")
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("width", "bar", "line"),
    [
        (140, ["images/s", "loss 0.5000", "accuracy 0.7500", "val_loss 0.2500", "val_accuracy 0.8750"],
         ["s", "images/s", "loss 0.5000", "accuracy 0.7500", "val_loss 0.2500", "val_accuracy 0.8750"]),
        (80, ["loss 0.5000", "val_loss 0.2500", "val_accuracy 0.8750"],
         ["s", "loss 0.5000", "val_loss 0.2500", "val_accuracy 0.8750"]),
        (40, ["val_accuracy 0.8750"], ["val_accuracy 0.8750"]),
    ],
)  # fmt: skip
def test_a_terminal_has_a_bar_and_one_line_an_epoch(width: int, bar: list[str], line: list[str]) -> None:
    drawn = _draw(terminal=True, width=width)
    frames = _frames(drawn)
    assert max(map(len, frames)) <= width
    assert "…" not in drawn
    last = next(frame for frame in reversed(frames) if "saving" in frame)
    assert [re.sub(r"^[\d,.]+ ", "", part.strip()) for part in last.partition("saving")[2].split("  ") if part] == bar
    stay = [frame for frame in frames if re.match(r"epoch \d/2  ", frame)]
    assert [re.sub(r"^[\d,.]+ ", "", part) for part in stay[-1].rstrip().split("  ")[1:]] == line
    assert drawn.rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in drawn, "the cursor is shown again"


@pytest.mark.parametrize(
    ("metric", "kept"),
    [
        ("macro_f1", ["loss 0.5000", "val_loss 0.2500", "val_macro_f1 0.6250"]),
        ("balanced_accuracy", ["val_loss 0.2500", "val_balanced_accuracy 0.6250"]),
        ("loss", ["loss 0.5000", "val_loss 0.2500"]),
    ],
)
def test_a_narrow_bar_keeps_the_metric_that_decides(metric: str, kept: list[str]) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False)
    with Progress(screen, epochs=20, count=37, batch_size=10, samples="images", metric=metric) as progress:
        progress.on_epoch_begin(9)
        progress.on_epoch_end(9, {**AFTER, **({} if metric == "loss" else {f"val_{metric}": 0.625})})
        progress.on_epoch_begin(10)
        progress.on_train_batch_end(1, LOGS)
    frames = _frames(screen.file.getvalue())  # type: ignore[attr-defined]
    bar = next(frame for frame in reversed(frames) if " left " in frame)
    parts = [part.strip() for part in bar.partition(" left ")[2].split("  ") if part.strip()]
    assert [part for part in parts if "images/s" not in part] == kept


def test_names_no_total_that_nobody_knows() -> None:
    assert [line.split("  ")[0] for line in _draw(terminal=False, epochs=0).splitlines()] == ["epoch 1", "epoch 2"]
    drawn = _draw(terminal=True, epochs=0)
    assert "epoch 2 " in drawn
    assert not {"left", "saving"} & set(drawn.split())


def test_verbose_has_a_line_for_each_call_of_the_graph() -> None:
    lines = _draw(terminal=False, verbose=True).splitlines()
    assert [line.split("  ")[:2] for line in lines[:2]] == [["epoch 1/2", "step 2"], ["epoch 1/2", "step 4"]]
    assert lines[0].endswith("gradient_norm 3  gradient_norm/conv 3  input_wait 0.1")
    assert len(lines) == 6


@pytest.mark.parametrize("terminal", [False, True])
def test_a_quiet_screen_shows_nothing(terminal: bool) -> None:
    assert _draw(terminal, quiet=True) == ""
