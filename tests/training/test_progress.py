import io

from rich.console import Console

from trainer.training.progress import Progress

LOGS = {"loss": 0.5, "accuracy": 0.75, "val_loss": 0.25, "val_accuracy": 0.875}


def _draw(terminal: bool, width: int = 140, epochs: int = 2) -> str:
    screen = Console(file=io.StringIO(), force_terminal=terminal, width=width, highlight=False)
    with Progress(screen, epochs=epochs, count=37, batch_size=10, samples="images") as progress:
        for epoch in range(2):
            progress.on_epoch_begin(epoch)
            progress.on_train_batch_end(1, LOGS)
            progress.on_train_batch_end(3, LOGS)
            progress.on_epoch_end(epoch, LOGS)
    return screen.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_one_line_an_epoch_without_a_terminal() -> None:
    lines = _draw(terminal=False).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert lines[0].endswith("loss 0.5000  accuracy 0.7500  val_loss 0.2500  val_accuracy 0.8750")
    assert "\x1b" not in "".join(lines)


def test_one_bar_on_a_terminal() -> None:
    drawn = _draw(terminal=True)
    for part in ("epoch 2/2", "images/s", "loss 0.5000", "accuracy 0.7500", "val_accuracy 0.8750", "left"):
        assert part in drawn
    assert drawn.count("\n") == 1, "one line, drawn again and again"
    assert drawn.rstrip().endswith("\x1b[?25h"), "the cursor is shown again"


def test_the_bar_fits_a_narrow_terminal() -> None:
    drawn = _draw(terminal=True, width=80)
    assert "accuracy 0.7500" in drawn
    assert "…" not in drawn
    assert drawn.count("\n") == 1


def test_names_no_total_that_nobody_knows() -> None:
    assert [line.split("  ")[0] for line in _draw(terminal=False, epochs=0).splitlines()] == ["epoch 1", "epoch 2"]
    drawn = _draw(terminal=True, epochs=0)
    assert "epoch 2 " in drawn
    assert "left" not in drawn
    assert drawn.count("\n") == 1
