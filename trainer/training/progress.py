"""What a person sees while a network trains."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
from rich import console, progress, table, text

_WIDE, _NARROW = 110, 60  # characters of a line; a narrower terminal gets a shorter bar, or none
_OTHERS = ("gradient_norm", "input_wait")  # of the logs: what an epoch's line leaves out

Figures = Sequence[tuple[int, str]]  # each with its rank: of the least, the last is left out first


@contextlib.contextmanager
def waiting(screen: console.Console, doing: str) -> Iterator[None]:
    """Shows on a terminal what the program does while the block runs."""
    if not screen.is_terminal or screen.is_dumb_terminal:
        yield
        return
    with screen.status(doing):
        yield


class Progress(keras.callbacks.Callback):
    """One progress bar for the whole run on a terminal, and one line an epoch, there and elsewhere.

    A context manager: whatever ends the training, the terminal is left as it was.

    Args:
      screen: where to draw.
      epochs: epochs of the whole run; 0 if nobody knows yet.
      count: samples in each.
      batch_size: samples in each step but maybe an epoch's last.
      samples: what they are, such as images.
      metric: the name of what decides which epoch is the best; a narrow line keeps it longest.
      is_verbose: whether each call of the graph, of several steps, has a line too, with all figures.
    """

    def __init__(
        self,
        screen: console.Console,
        epochs: int,
        count: int,
        batch_size: int,
        samples: str,
        *,
        metric: str = "accuracy",
        is_verbose: bool = False,
    ):
        super().__init__()
        self._samples, self._metric, self._is_verbose = samples, metric, is_verbose
        self._screen, self._count = screen, count
        self._batch_size = batch_size
        self._bar = _bar(screen)
        self._of = f"/{epochs}" if epochs else ""
        self._task = self._bar.add_task("", total=epochs * count or None, figures="")
        self._epoch, self._begin = 0, 0.0
        self._validation: Mapping[str, float] = {}  # results of the epoch before
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
        self._draw(0, description=self._name)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seen = seen = min((batch + 1) * self._batch_size, self._count)
        rate = (seen - self._seen_before) / (time.perf_counter() - self._begin)
        if self._is_verbose:
            named = "  ".join(f"{name} {value:.4g}" for name, value in logs.items())
            self._screen.out(f"{self._name}  step {batch + 1}  {self._speed(rate)}  {named}", highlight=False)
        self._draw(seen, figures=self._figures(_results(logs), rate))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        results = _results(logs)
        self._validation = {name: value for name, value in results.items() if name.startswith("val_")}
        own = {name: value for name, value in results.items() if name not in self._validation}
        seconds = time.perf_counter() - self._begin
        rate = (self._count - self._seen_before) / seconds
        figures = [
            (2, f"{seconds:.1f} s"),
            (1, self._speed(rate)),
            *self._ranked(own, 3, 0),
            *self._ranked(self._validation, 4, 5),
        ]
        room = self._screen.width - len(self._name) - 2 if self._screen.is_terminal else 0
        self._screen.out(f"{self._name}  {_fitting(figures, room)}", highlight=False)
        self._draw(self._count, figures=self._figures(own, rate))

    def get_state(self) -> dict[str, Any]:
        return {"seen": self._seen}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._seen = self._seen_before = state["seen"]

    @property
    def _name(self) -> str:
        return f"epoch {self._epoch + 1}{self._of}"

    def _figures(self, own: Mapping[str, float], rate: float) -> str:
        """Returns the figures of the bar: of the epoch so far, and of the last validation."""
        figures = [(0, self._speed(rate)), *self._ranked(own, 2, 1), *self._ranked(self._validation, 3, 4)]
        return _fitting(figures, self._room)

    def _ranked(self, results: Mapping[str, float], loss: int, metric: int) -> Figures:
        """Returns results as text, with ranks for the loss and the metric; others are the first to be left out."""
        ranks = {self._metric: metric, "loss": loss, "val_loss": loss, f"val_{self._metric}": metric}
        return [(ranks.get(name, -1), f"{name} {value:.4f}") for name, value in results.items()]

    @property
    def _room(self) -> int:
        """The characters of the bar's line that are left for figures."""
        (task,) = self._bar.tasks
        hours = 2 if (task.time_remaining or 0) >= 3600 else 0
        rest = self._screen.width - len(self._name) - hours
        has_bar = self._screen.width >= _NARROW
        return rest - len(" 00:00 left ") - _bar_width(self._screen) - 1 if has_bar else rest - len(" saving ")

    def _speed(self, rate: float) -> str:
        return f"{rate:,.0f} {self._samples}/s"

    def _draw(self, seen_in_epoch: int, **texts: Any) -> None:
        completed = self._epoch * self._count + seen_in_epoch
        self._bar.update(self._task, completed=completed, refresh=self._screen.is_terminal, **texts)


def _results(logs: Mapping[str, float]) -> dict[str, float]:
    """Returns the loss and the metrics, those of the validation last, without what describes the steps."""
    names = [name for name in logs if "/" not in name and name not in _OTHERS]
    names.sort(key=lambda name: (name.startswith("val_"), not name.endswith("loss")))
    return {name: logs[name] for name in names}


def _fitting(figures: Figures, room: int) -> str:
    """Returns the figures of the highest ranks that fit so many characters, in their order; all if that is 0."""
    kept = [*figures]
    while len(kept) > 1 and 0 != room < len("  ".join(one for _, one in kept)):
        kept.remove(min(kept[::-1], key=lambda figure: figure[0]))
    return "  ".join(one for _, one in kept)


def _bar_width(screen: console.Console) -> int:
    return 20 if screen.width >= _WIDE else 6


def _bar(screen: console.Console) -> progress.Progress:
    bar = [progress.BarColumn(bar_width=_bar_width(screen))] if screen.width >= _NARROW else []
    return progress.Progress(
        progress.TextColumn("{task.description}"),
        *bar,
        _TimeLeft(" left" if bar else ""),
        progress.TextColumn("{task.fields[figures]}", table_column=table.Column(no_wrap=True)),
        console=screen,
        auto_refresh=False,
        transient=True,  # the epochs' lines stay
    )


class _TimeLeft(progress.TimeRemainingColumn):
    """The time left, then `saving` after the last step: pictures, the checkpoint, and the validation before them."""

    def __init__(self, word: str):
        super().__init__(compact=True)
        self._word = word

    def render(self, task: progress.Task) -> text.Text:
        if task.total is None:
            return text.Text()
        if task.completed >= task.total:
            return text.Text("saving", style="progress.remaining")
        return super().render(task).append(self._word)
