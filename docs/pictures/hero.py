"""The first picture of the README: a digit's way through a network that this package has trained."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

import trainer.layers  # noqa: F401, registers the layers that the model has
from trainer import data
from trainer.insight.attribution import Explainer

_INK, _SOFT = "#222222", "#777777"


def draw(file: Path, folder: Path, source: str, epochs: int) -> None:
    """Trains a network, and draws how it reads one test image.

    Args:
      file: takes the picture, 1600 pixels wide.
      folder: takes the run.
      source: the data, as `--data` takes it.
      epochs: passes over them.
    """
    flags = [f"--data={source}", f"--epochs={epochs}", "--filters=12", "--kernel_size=5", f"--job_dir={folder / 'run'}"]
    subprocess.run([sys.executable, "-m", "trainer.task", *flags], check=True, stdout=subprocess.DEVNULL)
    model = keras.models.load_model(folder / "run" / "model" / "model.keras")
    test = data.load(source, validation_split=0.1, seed=0).test
    images, labels = np.asarray(test.samples), np.asarray(test.targets)
    eights = np.flatnonzero(labels == 8)[:50]
    eights = eights[np.asarray(model(images[eights])).argmax(axis=-1) == 8]
    cams = Explainer(model).grad_cam(images[eights], labels[eights])
    clearest = int(cams.max(axis=tuple(range(1, cams.ndim))).argmax())  # some maps have no positive evidence
    index, cam = int(eights[clearest]), cams[clearest]
    image = images[index : index + 1]
    layers = [model.get_layer(name) for name in ("conv1", "conv2")]
    seer = keras.Model(model.inputs[0], [*(layer.output for layer in layers), *model.outputs])
    *maps, logits = (keras.ops.convert_to_numpy(value)[0].astype(np.float32) for value in seer(image))
    maps = [np.maximum(values, 0) for values in maps]  # the second layer's activation follows its pooling
    kernel = layers[0].get_weights()[0][:, :, 0]
    share = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()

    plt.rcParams.update({"font.family": "sans-serif", "font.size": 9, "text.color": _INK})
    figure = plt.figure(figsize=(10, 2.1), dpi=160, facecolor="white")
    parts = figure.subfigures(1, 6, width_ratios=[1, 1.33, 1.33, 1.33, 1, 1])
    _picture(parts[0], "image", "28 × 28 pixels", image[0, ..., 0], colours="gray")
    _grid(parts[1], "kernels", "12, of 5 × 5 weights", kernel, "RdBu_r", centred=True)
    _grid(parts[2], "feature maps", "one per kernel", maps[0], "inferno")
    _grid(parts[3], "second layer", "12 of 24 maps", maps[1][..., _liveliest(maps[1])], "inferno")
    _picture(parts[4], "evidence", "Grad-CAM", cam, colours="inferno", under=image[0, ..., 0])
    _bars(parts[5], "prediction", share)
    figure.savefig(file)
    plt.close(figure)


def _liveliest(maps: np.ndarray) -> np.ndarray:
    """Returns the indices of the twelve maps that vary most, in their order."""
    return np.sort(np.argsort(-maps.std(axis=(0, 1)))[:12])


def _titled(part: SubFigure, title: str, note: str) -> None:
    part.suptitle(title, fontsize=11, y=0.98)
    part.text(0.5, 0.03, note, ha="center", fontsize=9, color=_SOFT)


def _picture(
    part: SubFigure, title: str, note: str, values: np.ndarray, *, colours: str, under: np.ndarray | None = None
) -> None:
    _titled(part, title, note)
    axis = part.add_axes((0.1, 0.14, 0.8, 0.72))
    axis.axis("off")
    if under is not None:
        axis.imshow(under, cmap="gray")
    axis.imshow(values, cmap=colours, alpha=None if under is None else 0.65)


def _grid(part: SubFigure, title: str, note: str, values: np.ndarray, colours: str, *, centred: bool = False) -> None:
    _titled(part, title, note)
    limit = float(np.abs(values).max())
    axes: Sequence[Axes] = part.subplots(
        3, 4, gridspec_kw={"hspace": 0.08, "wspace": 0.08, "top": 0.85, "bottom": 0.15, "left": 0.08, "right": 0.92}
    ).flat
    for index, axis in enumerate(axes):
        axis.imshow(values[..., index], cmap=colours, vmin=-limit if centred else 0, vmax=limit)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_color("#cccccc")


def _bars(part: SubFigure, title: str, share: np.ndarray) -> None:
    _titled(part, title, f"{share.argmax()}: {share.max():.1%}")
    axis = part.add_axes((0.16, 0.16, 0.74, 0.68))
    axis.barh(np.arange(len(share)), share, color=["#b0b0b0" if value < share.max() else "#c0392b" for value in share])
    axis.set_yticks(np.arange(len(share)))
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xticks([])
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)
