"""The card of an export: what is inside, what the caller does, size, latency and parity."""

import dataclasses
import json
import math
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from trainer.hparams import CLASSES, LABELS, NUMBERS
from trainer.serving.card import File
from trainer.serving.formats.known import FORMATS, caller, inside
from trainer.serving.formats.measure import MOST, Parity
from trainer.serving.formats.network import Source
from trainer.serving.formats.target import Target

_VERSION = 1
_VOLUME = 3  # the rank
_SAME = {CLASSES: "class", LABELS: "labels"}
_OF = {CLASSES: "a probability", LABELS: "a probability", NUMBERS: "a number, as a share of its range,"}
_ALWAYS = ("tensorflow", "keras", "numpy")  # distributions


@dataclasses.dataclass(frozen=True)
class Export:
    """What is known of an export.

    Attributes:
      format: its name.
      quantize: none or int8.
      source: the network.
      packages: the modules with layers that a Keras file needs in addition to Keras; else empty.
      samples: on what it was compared, such as `100 test images of photos`.
      parity: how it compares with its model.
      agreement: the least share of equal classes that was asked for; None for a format of floating-point numbers.
      milliseconds: the median time of one sample.
      calls: how many gave the median.
      threads: of the runtime; 0 is what TensorFlow chooses.
      size: in bytes.
      precision: that the model was trained in.
      model: the checksum of the model's file for Keras.
    """

    format: str
    quantize: str
    source: Source
    packages: Sequence[str]
    samples: str
    parity: Parity
    agreement: float | None
    milliseconds: float
    calls: int
    threads: int
    size: int
    precision: str
    model: str

    @property
    def title(self) -> str:
        """The format and the type of its numbers."""
        return f"{FORMATS[self.format].title}, {'float32' if self.quantize == 'none' else self.quantize}"

    @property
    def inside(self) -> str:
        """What it contains in addition to the network."""
        rest = "; convolutions of volumes remain in float32"
        is_mixed = self.quantize != "none" and self.source.form.rank == _VOLUME
        return inside(self.format, self.source) + (rest if is_mixed else "")

    @property
    def caller(self) -> str:
        """What its caller passes, and does before."""
        return caller(self.format, self.source.form) + (f"; needs `import {self.modules}`" if self.packages else "")

    @property
    def modules(self) -> str:
        """The modules that must be imported before the model is loaded."""
        return ", ".join(self.packages)

    def speed(self) -> str:
        """Returns the latency in words."""
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}" if self.threads else "TensorFlow's threads"
        return f"{self.milliseconds:.3g} ms for one sample, the median of {self.calls} calls, {threads}"

    def comparison(self) -> Iterator[str]:
        """Yields the parity in words."""
        yield f"compared with the model on {self.samples}:"
        yield "; ".join(self._compared())

    def _compared(self) -> Iterator[str]:
        found, target = self.parity, self.source.outputs.target
        same, of = _SAME.get(target, ""), _OF[target]
        if self.agreement is None:
            yield f"largest difference of {of} {found.difference:.1e}, at most {MOST:g} is accepted"
        else:
            yield f"the same {same} for {found.agreement:.2%}, at least {self.agreement:.1%} is accepted"
            yield f"largest difference of {of} {found.difference:.1e}"
        if self.precision != "float32":
            agreed = "" if found.own_agreement is None else f", the same {same} for {found.own_agreement:.2%}"
            yield f"against the model's own answers in {self.precision}: {found.own:.1e}{agreed}"
        if found.accuracy is not None:
            yield f"accuracy {found.accuracy:.2%}, of the model {found.model_accuracy:.2%}"
        elif target == CLASSES:
            yield "accuracy unknown"


def write(export: Export, target: Target, name: str) -> None:
    """Writes the card of an export: for people and for programs.

    Args:
      export: what is known of it.
      target: where it is.
      name: of the file, or of the folder of a SavedModel.
    """
    target.readme.write_text("\n".join(_lines(export, name)) + "\n", encoding="utf-8")
    names = [one.relative_to(target.model).as_posix() for one in target.model.rglob("*") if one.is_file()]
    above = target.model if target.model.is_dir() else target.model.parent
    names = sorted(names) if target.model.is_dir() else [target.model.name]
    own = {target.readme.name, target.record.name}
    files = [dataclasses.asdict(File.of(above, one)) for one in names if one not in own]
    target.record.write_text(json.dumps(_record(export, files), indent=2) + "\n", encoding="utf-8")


def _record(export: Export, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    source = export.source
    numbers = {
        key: value if value is None or math.isfinite(value) else None
        for key, value in dataclasses.asdict(export.parity).items()
    }
    return {
        "version": _VERSION,
        "export": export.format,
        "quantize": export.quantize,
        "classes": [*source.classes],
        "target": source.outputs.content(),
        "form": source.form.to_json(),
        "input": {"name": source.input, "dtype": "float32", "shape": [None, *source.form.shape]},
        "output": {"name": source.output, "dtype": "float32", "shape": [None, len(source.classes)]},
        "inside": export.inside,
        "caller": export.caller,
        "size": export.size,
        "latency": {
            **{"milliseconds": export.milliseconds, "calls": export.calls, "samples": 1, "threads": export.threads},
            "machine": platform.machine(),
        },
        "parity": {"samples": export.samples, "least_agreement": export.agreement, **numbers},
        "precision": export.precision,
        "model": export.model,
        "versions": versions(export.format),
        "files": [*files],
    }


def versions(format: str) -> dict[str, str]:
    """Returns the versions of the packages that wrote and ran a format."""
    return {name: metadata.version(name) for name in (*_ALWAYS, *FORMATS[format].distributions)}


def _lines(export: Export, name: str) -> Iterator[str]:
    source = export.source
    target = source.outputs.target
    what = "a classifier" if target == CLASSES else f"{target}"
    yield f"# {name}: {what} of {source.input}s as {export.title}\n"
    yield f"Inside: {export.inside}.\n"
    yield f"Input: {export.caller}.\n"
    shape = f"float32 `(n, {len(source.classes)})`"
    yield f"Output: `{source.output}`, {shape}, in the order of the {target} in `export.json`.\n"
    yield f"Size: {export.size:,} bytes. Latency: {export.speed()}.\n"
    compared = " ".join(export.comparison())
    yield f"{compared[0].upper()}{compared[1:]}.\n"
    yield "```python"
    imports = f"import {export.modules}\n" if export.packages else ""
    use = FORMATS[export.format].use.replace("probabilities", source.output)
    yield use.format(file=name, input=source.input, imports=imports)
    yield "```\n"
    yield "Versions: " + ", ".join(f"{one} {version}" for one, version in versions(export.format).items()) + "."
