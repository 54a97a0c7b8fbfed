"""A table of the engine and plain Keras at other batch sizes, filters and image sizes, one varied at a time."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import timing
from benchmarks.peers import command, dataset
from benchmarks.peers.epochs import speed
from benchmarks.peers.peer import Peer
from benchmarks.peers.setting import Setting

HEADER = f"{'batch':>5}{'filters':>9}{'pixels':>8}{'ours':>12}{'theirs':>12}{'ratio, middle half':>24}"
SHAPES = (
    (128, 32, 28),
    (32, 32, 28),
    (512, 32, 28),
    (128, 16, 28),
    (128, 64, 28),
    (128, 32, 64),
    (128, 32, 128),
)
_PIXELS = 28  # of a side, to which the number of images refers
_LEAST_STEPS = 4


def compare(images: int, rounds: int, shapes: tuple[tuple[int, int, int], ...] = SHAPES) -> Iterator[str]:
    """Yields a line for each (batch, filters, pixels of a side): images/s of whole epochs on images of noise.

    Args:
      images: images per epoch at 28 pixels; fewer if they are larger, so that an epoch takes about as long.
      rounds: epochs of each peer.
      shapes: the shapes to measure.
    """
    for batch, filters, pixels in shapes:
        count = max(_LEAST_STEPS * batch, round(images * (_PIXELS / pixels) ** 2))
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            source, arrays = Path(folder) / "noise", Path(folder) / "arrays.npz"
            dataset.write_noise(source, pixels, count)
            command.measure("-m", "benchmarks.peers.dataset", str(source), str(arrays))
            ours = Setting(str(source), str(arrays), batch, filters, precision="auto")
            theirs = Setting(str(source), str(arrays), batch, filters)
            engine = stack.enter_context(Peer("engine", ours))
            plain = stack.enter_context(Peer("keras_fit", theirs))
            timing.interleave({"ours": engine.epoch, "theirs": plain.epoch}, rounds)
        ratio = timing.ratio(plain.figures("seconds"), engine.figures("seconds"))
        yield f"{batch:>5}{filters:>9}{pixels:>8}{speed(engine):>12,.0f}{speed(plain):>12,.0f}{ratio!s:>24}"
