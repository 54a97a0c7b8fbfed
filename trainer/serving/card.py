"""The model card: what a trained model is, for a person (`README.md`) and for a program (`model.json`)."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer import interval
from trainer.data.form import Form
from trainer.data.kinds import known
from trainer.errors import UsageError
from trainer.hparams import CLASSES, LABELS, NUMBERS
from trainer.insight import explained
from trainer.objectives import choice
from trainer.objectives.cross_validation.result import CrossValidation
from trainer.objectives.outputs import Measured, Outputs
from trainer.objectives.scores import Score

README, JSON = "README.md", "model.json"
KERAS, GRAPH = "model.keras", "saved_model.pb"  # files of the model; the latter only of a SavedModel
FORMAT = 1

_NONE = "–"
_ANSWERS = {  # of the SavedModel, by target
    CLASSES: ("`class`", "`probability`", "`probabilities`"),
    LABELS: ("`labels`", "`probabilities`"),
    NUMBERS: ("`numbers`",),
}
_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}  # by rank
_COLORS = {1: "grey", 3: "RGB"}
_SPECIAL = re.compile(r"[\\|`*\[\]<>]|(?<![^\W_])_|_(?![^\W_])")  # of Markdown, where it would be more than a letter


@dataclasses.dataclass(frozen=True)
class File:
    """A file of the model.

    Attributes:
      name: below the model's folder, with `/` between folders.
      size: in bytes.
      sha256: of its content.
    """

    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, folder: Path, name: str) -> "File":
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(name, (folder / name).stat().st_size, digest)


@dataclasses.dataclass(frozen=True)
class Card:
    """A model's description.

    Attributes:
      outputs: what the outputs mean: their names, in their order, and more.
      form: of what the model takes.
      samples: how many there were, by part: train, validation, test.
      accuracy: on the test samples; None if there are none.
      scores: each class's, on the test samples, or else on the held-out samples of the cross-validation.
      record: how it was trained: configuration, precision, versions and git revision, as `hparams.json` has them.
      files: what the model consists of.
      cross_validation: of networks that were trained like this one; required if there are no test samples.
      explanation: which attributions are the most faithful: `method`, `samples` and `scores`; empty if unknown.
      confusions: the most frequent mistakes on the test samples: true class, predicted class, number.
      measured: what the test samples, or else the held-out samples, say of labels or numbers; None for classes.
    """

    outputs: Outputs
    form: Form
    samples: Mapping[str, int]
    accuracy: float | None
    scores: Sequence[Score]
    record: Mapping[str, Any]
    files: Sequence[File]
    cross_validation: CrossValidation | None = None
    explanation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    confusions: Sequence[tuple[int, int, int]] = ()
    measured: Measured | None = None

    def json(self) -> str:
        """Returns the text of `model.json`."""
        content = {
            "format": FORMAT,
            "classes": list(self.outputs.names),
            "target": self.outputs.content(),
            "form": self.form.to_json(),
            "samples": dict(self.samples),
            **(self._of_others(self.measured) if self.measured else self._of_classes()),
            **({"cross_validation": self.cross_validation.to_json()} if self.cross_validation else {}),
            **self.record,
            **({"explanation": dict(self.explanation)} if self.explanation else {}),
            "files": [dataclasses.asdict(file) for file in self.files],
        }
        return json.dumps(content, indent=2) + "\n"

    def _of_classes(self) -> dict[str, Any]:
        return {
            **self._accuracy(),
            "scores": [dataclasses.asdict(score) for score in self.scores],
            "confusions": [list(one) for one in self.confusions],
        }

    @staticmethod
    def _of_others(measured: Measured) -> dict[str, Any]:
        table = {"columns": list(measured.columns), "rows": [list(row) for row in measured.rows]}
        return {**measured.content, "result": {"summary": measured.summary, "part": measured.part, **table}}

    def text(self) -> str:
        """Returns the text of `README.md`."""
        return "\n".join(self._lines()) + "\n"

    def _accuracy(self) -> dict[str, Any]:
        """Returns the accuracy with its interval: on test samples if there are some, else of the cross-validation.

        Raises:
          ValueError: there is neither.
        """
        if self.accuracy is not None:
            ends = interval.wilson(self.accuracy, self.samples["test"])
            return {"accuracy": self.accuracy, "accuracy_interval": [*ends]}
        if self.cross_validation is None:
            raise ValueError("a card must have an accuracy or the result of a cross-validation")
        return self.cross_validation.card_json()

    def _accuracy_lines(self, name: str) -> Iterator[str]:
        if self.accuracy is not None:
            low, high = interval.wilson(self.accuracy, self.samples["test"])
            shown = f"{self.accuracy:.2%}; 95 % interval (Wilson): {low:.2%} to {high:.2%}"
            yield f"Accuracy on the test {name}s: {shown}.\n"
        if self.cross_validation:
            yield from self.cross_validation.card_lines(name)

    def _lines(self) -> Iterator[str]:
        name = known.kind_of(self.form).name
        configuration, precision = self.record["configuration"], self.record["precision"]
        counts = ", ".join(f"{count:,} {part}" for part, count in self.samples.items())
        is_tf32 = precision["name"] == "float32" and self.record.get("machine", {}).get("tf32")
        tf32 = ", convolutions and matrix products in TensorFloat-32" if is_tf32 else ""
        classes = f"A classifier of {name}s: {len(self.outputs.names)} classes"
        yield f"# {self.measured.title if self.measured else classes}\n"
        yield f"Input: {_described(self.form)}; other {name}s are converted to this form. Training"
        yield f"data: {_plain(configuration['data'])} ({counts} {name}s). Precision: {precision['name']}{tf32}.\n"
        if self.form.spread:
            yield "The first layer subtracts each channel's mean over the training samples and divides by its standard"
            yield "deviation:\n"
            numbers = zip(map(str, range(self.form.channels)), self.form.centre, self.form.spread, strict=True)
            rows = [[channel, f"{mean:.6g}", f"{spread:.6g}"] for channel, mean, spread in numbers]
            yield from _table(["channel", "mean", "standard deviation"], rows)
        yield from self._result_lines(name)
        yield from _use(self.form, self.outputs, any(file.name == GRAPH for file in self.files))
        if self.explanation:
            yield from _explanations(self.explanation, name)
        yield "## How it was trained\n"
        if "members" in self.record:
            yield from _members(self.record["members"])
        flags = [[f"`--{name}`", _plain(str(value))] for name, value in configuration.items()]
        yield from _table(["flag", "value"], flags)
        yield "## Versions\n"
        versions = {**self.record["versions"], "git revision": self.record["git_revision"]}
        yield from _table(["", "version"], [[name, version or "unknown"] for name, version in versions.items()])
        yield "## Files\n"
        rows = [[f"`{file.name}`", f"{file.size:,}", file.sha256] for file in self.files]
        yield from _table(["file", "bytes", "SHA-256"], rows, last=True)

    def _result_lines(self, name: str) -> Iterator[str]:
        if self.measured:
            yield f"## {self.measured.heading}\n"
            if self.measured.lines:
                yield from (*self.measured.lines, "")
            if self.cross_validation:
                yield from self.cross_validation.card_lines(name)
            rows = [[_plain(label), *numbers] for label, *numbers in self.measured.rows]
            yield from _table(["", *self.measured.columns], rows)
            return
        yield "## Accuracy\n"
        yield from self._accuracy_lines(name)
        tested = f"held-out {name}s" if self.accuracy is None else f"test {name}s"
        columns = ["precision", "recall", "F1", tested]
        rows = [[_plain(score.name), *_numbers(score)] for score in self.scores]
        yield from _table(["class", *columns], rows)
        if any(share is None for score in self.scores for share in _shares(score)):
            yield f"A class without {tested} has no recall and no F1. A class that is never predicted has no"
            yield f"precision. The table shows {_NONE} for them, and `model.json` null.\n"


def _explanations(explanation: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yields the scores of the attributions; `trainer.insight.scores` describes them."""
    best, scores = explained.NAMES[explanation["method"]], explanation["scores"]
    yield "## How far explanations can be believed\n"
    yield f"`trainer.serve` and `trainer.predict` explain by {best}, the most faithful method on"
    yield f"{explanation['samples']} validation {name}s. For deletion and infidelity, lower is better.\n"
    numbers = [*next(iter(scores.values()))]
    rows = [[explained.NAMES[method], *(f"{one[number]:.3f}" for number in numbers)] for method, one in scores.items()]
    yield from _table(["method", *numbers], rows)


def _members(members: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields the members of an ensemble."""
    yield f"An ensemble of {len(members)} networks: the mean of their predictions. The flags below are those of the"
    yield "first; the others differ as follows:\n"
    rows = []
    for member in members:
        flags = ", ".join(f"--{name}={value}" for name, value in member["flags"].items())
        rows.append([_plain(member["model"]), _plain(member["result"]), _plain(flags)])
    yield from _table(["member", "alone", "flags"], rows)


def _use(form: Form, outputs: Outputs, has_graph: bool) -> list[str]:
    name, answers = known.kind_of(form).name, _ANSWERS[outputs.target]
    order = "numbers" if "`numbers`" in answers else "probabilities"
    values = f"values, {form.low:g} to {form.high:g}," if form.is_bounded else "values"
    raw = "numbers" if order == "numbers" else "logits"
    shape = ", ".join(("batch", *_AXES[form.rank], "channels"))
    returned = " and ".join([", ".join(answers[:-1]), answers[-1]] if len(answers) > 1 else answers)
    commands = f"""\
## How to use it

    python -m trainer.predict --model=. FILE…      {outputs.target} of {name}s
    python -m trainer.serve --model=.              a prediction container of Vertex AI
    keras.models.load_model("model.keras")         {values} to {raw}; needs `import trainer.layers`
"""
    if not has_graph:
        return f"""{commands}\

For TensorFlow alone, as in TensorFlow Serving, convert it; `--format=litert` and `onnx` are for other runtimes:

    python -m trainer.export --model=. --format=savedmodel

""".splitlines()
    return f"""{commands}\
    tf.saved_model.load(".")                       needs TensorFlow alone

Signatures of the SavedModel: `serving_default` takes `{name}_bytes`, the contents of files; `serving_array` takes
`{name}`, {values} `({shape})`. Both return {returned};
`class_names` returns the order of the {order}.

""".splitlines()


def _described(form: Form) -> str:
    """Returns what samples are, in words: `grey images of 28x28 pixels`."""
    if form.rank == 2:
        return f"{_COLORS.get(form.channels, f'{form.channels}-channel')} images of {form} pixels"
    what = f"{form.channels}-channel {known.kind_of(form).name}s of {form} {'points' if form.rank == 1 else 'voxels'}"
    if form.rank == 1 and form.spacing:
        return f"{what} at {1 / form.spacing[0]:g} a second"
    return f"{what} of {'x'.join(f'{step:g}' for step in form.spacing)} {form.unit}" if form.spacing else what


def read(folder: Path) -> dict[str, Any]:
    """Returns what `model.json` holds.

    Raises:
      UsageError: there is none, or it is not one.
    """
    path = folder / JSON
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        found = (
            content["format"],
            [*map(_text, content["classes"])],
            form(content),
            outputs(content),
            *map(_file, content["files"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a model card"
        raise UsageError(
            f"`--model` must be the folder model/ of a finished run. Received: {folder} ({JSON}: {reason})"
        ) from None
    if found[0] != FORMAT:
        raise UsageError(f"`--model` must be of format {FORMAT}. Received: {folder}, format {found[0]}")
    return content


def form(content: Mapping[str, Any]) -> Form:
    """Returns the form of what the model of a `model.json` takes.

    Version 0.1 wrote `"input": {"height": …, "width": …, "channels": …}`, for images alone.
    """
    if "form" in content:
        return Form.from_json(content["form"])
    former = content["input"]
    return Form((int(former["height"]), int(former["width"])), int(former["channels"]))


def outputs(content: Mapping[str, Any]) -> Outputs:
    """Returns what the outputs of the model of a `model.json` mean."""
    return choice.outputs_of(content)


def method(content: Mapping[str, Any]) -> str:
    """Returns the attribution method that scored best, by its name in `trainer.insight.explained`; else Grad-CAM."""
    explanation = content.get("explanation")
    found = explanation.get("method") if isinstance(explanation, dict) else None
    return found if isinstance(found, str) and found in explained.NAMES else "grad_cam"


def files(content: Mapping[str, Any]) -> list[File]:
    """Returns the files that a `model.json` names."""
    return [_file(one) for one in content["files"]]


def _file(one: Mapping[str, Any]) -> File:
    found = File(one["name"], one["size"], one["sha256"])
    if [type(value) for value in (found.name, found.size, found.sha256)] != [str, int, str] or "\0" in found.name:
        raise TypeError("a file must have a name, a size and a checksum")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a class must have a name")
    return value


def _numbers(score: Score) -> list[str]:
    shares = [_NONE if share is None else f"{share:.3f}" for share in _shares(score)]
    return [*shares, f"{score.support:,}"]


def _shares(score: Score) -> list[float | None]:
    return [score.precision, score.recall, score.f1]


def _plain(text: str) -> str:
    """Returns a text as Markdown, on one line, in which every character stands for itself."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], last: bool = False) -> Iterator[str]:
    """Yields the lines of a table in Markdown, and an empty one unless it is the last."""
    cells = [columns, *rows]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(columns))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    yield from (f"| {line} |" for line in lines)
    if not last:
        yield ""
