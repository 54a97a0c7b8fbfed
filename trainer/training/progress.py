"""What a person sees while a network trains."""

import time
from collections.abc import Mapping
from typing import Any

import keras
from rich import console, progress, table, text


class Progress(keras.callbacks.Callback):
    """One progress bar for the whole run on a terminal; one line an epoch where there is none.

    A context manager: whatever ends the training, the terminal is left as it was.

    Args:
      screen: where to draw.
      epochs: epochs of the whole run; 0 if nobody knows yet.
      count: samples in each.
      batch_size: samples in each step but maybe an epoch's last.
      samples: what they are, such as images.
    """

    def __init__(self, screen: console.Console, epochs: int, count: int, batch_size: int, samples: str):
        super().__init__()
        self._samples = samples
        self._screen, self._count = screen, count
        self._batch_size = batch_size
        self._bar = _bar(screen)
        self._of = f"/{epochs}" if epochs else ""
        self._task = self._bar.add_task("", total=epochs * count or None, figures="")
        self._epoch, self._begin, self._validation = 0, 0.0, ""
        self._seen = self._seen_before = 0  # of the epoch's samples: in all, and by a run that was stopped

    def __enter__(self) -> "Progress":
        if self._screen.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._screen.is_terminal:
            self._bar.stop()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._begin, self._seen_before = epoch, time.perf_counter(), 0
        self._draw(0, description=f"epoch {epoch + 1}{self._of}")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seen = seen = min((batch + 1) * self._batch_size, self._count)
        rate = (seen - self._seen_before) / (time.perf_counter() - self._begin)
        figures = (
            f"{rate:,.0f} {self._samples}/s  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}{self._validation}"
        )
        self._draw(seen, figures=figures)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._screen.width >= _WIDE:
            self._validation = f"  val_accuracy {logs['val_accuracy']:.4f}"
        if not self._screen.is_terminal:
            seconds = time.perf_counter() - self._begin
            rate = (self._count - self._seen_before) / seconds
            self._screen.out(
                f"epoch {epoch + 1}{self._of}  {seconds:.1f} s  {rate:,.0f} {self._samples}/s  "
                + "  ".join(f"{name} {logs[name]:.4f}" for name in (*_SHOWN, *_others(logs))),
                highlight=False,
            )

    def get_state(self) -> dict[str, Any]:
        return {"seen": self._seen}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._seen = self._seen_before = state["seen"]

    def _draw(self, seen_in_epoch: int, **texts: Any) -> None:
        completed = self._epoch * self._count + seen_in_epoch
        self._bar.update(self._task, completed=completed, refresh=self._screen.is_terminal, **texts)


_SHOWN = ("loss", "accuracy", "val_loss", "val_accuracy")
_WIDE = 110  # characters; a narrower terminal gets a shorter line, down to 80


def _others(logs: Mapping[str, float]) -> list[str]:
    """Returns the names of the other results of the validation, such as that of `--metric`."""
    return [name for name in logs if name.startswith("val_") and name not in _SHOWN]


def _bar(screen: console.Console) -> progress.Progress:
    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=20 if screen.width >= _WIDE else 8),
        _TimeLeft(compact=True),
        progress.TextColumn("{task.fields[figures]}", table_column=table.Column(no_wrap=True)),
        console=screen,
        auto_refresh=False,
    )


class _TimeLeft(progress.TimeRemainingColumn):
    def render(self, task: progress.Task) -> text.Text:
        return text.Text() if task.total is None else super().render(task).append(" left")
