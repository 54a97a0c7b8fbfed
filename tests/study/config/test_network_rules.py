"""A study over networks: each parameter and each argument is one that every network it meets has."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from trainer.errors import UsageError
from trainer.hparams import ANSWERS, OWN, HParams, Rule
from trainer.study.config import document as config
from trainer.study.config import network_rules, networks

Document = dict[str, Any]

CONVOLUTIONAL, RESIDUAL, LINEAR, MOBILE = "convolutional", "residual", "linear", "MobileNetV3Small"
WIDE = "lab.nets:wide"


def one(name: str, values: Sequence[Any], *children: tuple[Sequence[str], Document]) -> Document:
    """Returns a parameter, categorical or discrete, with those that exist with some of its values."""
    spec = "categoricalValueSpec" if isinstance(values[0], str) else "discreteValueSpec"
    conditions = [
        {"parentCategoricalValues": {"values": [*condition]}, "parameterSpec": child} for condition, child in children
    ]
    below = {"conditionalParameterSpecs": conditions} if conditions else {}
    return {"parameterId": name, spec: {"values": [*values]}, **below}


FILTERS, DEPTH = one("filters", [8, 16]), one("depth", [1, 2])
RATE, FROZEN = one("fine_tune_rate", [0.05, 0.1]), one("freeze_epochs", [1, 2])


def write(folder: Path, parameters: Sequence[Document], *arguments: str) -> Path:
    container = {"imageUri": "europe-docker.pkg.dev/p-1/trainer/trainer:latest", "args": ["--data=digits", *arguments]}
    document = {
        "displayName": "networks",
        "maxTrialCount": 4,
        "parallelTrialCount": 1,
        "studySpec": {"metrics": [{"metricId": "val_accuracy", "goal": "MAXIMIZE"}], "parameters": [*parameters]},
        "trialJobSpec": {
            "workerPoolSpecs": [
                {"machineSpec": {"machineType": "n2-standard-8"}, "replicaCount": 1, "containerSpec": container}
            ]
        },
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def refused(path: Path, *given: str) -> list[str]:
    with pytest.raises(UsageError) as error:
        config.read(path, given)
    return [line.removeprefix(str(path)) for line in str(error.value).splitlines()]


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        ([one("model", [CONVOLUTIONAL, RESIDUAL, LINEAR], ([CONVOLUTIONAL, RESIDUAL], FILTERS))], []),
        ([one("model", ["auto", LINEAR], (["auto"], FILTERS))], []),
        ([FILTERS, DEPTH], []),  # of auto, which has all
        ([FILTERS, DEPTH], ["--model=residual"]),
        ([one("dropout", [0.1, 0.2])], ["--model=my.keras"]),
        ([one("weights", ["imagenet", "a.h5"])], [f"--model={MOBILE}"]),
        ([one("model", [MOBILE, "EfficientNetB0"])], ["--weights=imagenet", "--unfreeze=2", "--fine_tune_rate=0.1"]),
        ([one("unfreeze", ["none", "2", "all"], (["2", "all"], RATE))], [f"--model={MOBILE}", "--weights=imagenet"]),
        (
            [
                one(
                    "model",
                    [CONVOLUTIONAL, MOBILE],
                    ([CONVOLUTIONAL], FILTERS),
                    (
                        [MOBILE],
                        one("weights", ["", "imagenet"], (["imagenet"], one("unfreeze", ["all"], (["all"], RATE)))),
                    ),
                )
            ],
            ["--epochs=6"],
        ),
        # Where `model` itself depends on something.
        ([one("color", ["grey", "rgb"], (["rgb"], one("model", [LINEAR, RESIDUAL])), (["grey"], FILTERS))], []),
    ],
)
def test_accepts_what_each_network_has(parameters: list[Document], arguments: list[str], tmp_path: Path) -> None:
    assert config.read(write(tmp_path, parameters, *arguments)).parameters


@pytest.mark.parametrize(
    ("parameters", "arguments", "where", "said"),
    [
        (
            [one("model", [CONVOLUTIONAL, RESIDUAL, LINEAR]), FILTERS],
            [],
            "parameterId: filters",
            "`studySpec.parameters[1].parameterId` must be under conditionalParameterSpecs of model, for convolutional "
            "or residual alone; linear has none. Received: filters",
        ),
        (
            [one("model", [CONVOLUTIONAL, LINEAR, MOBILE], ([CONVOLUTIONAL, MOBILE], FILTERS))],
            [],
            "parameterId: filters",
            "conditionalParameterSpecs[0].parameterSpec.parameterId` must be under conditionalParameterSpecs of model, "
            "for convolutional alone; MobileNetV3Small has none. Received: filters",
        ),
        (
            [one("padding", ["same", "valid"]), one("model", [LINEAR, MOBILE])],
            [],
            "parameterId: padding",
            "must be a flag that is used with `--model=convolutional`; linear and MobileNetV3Small have none. "
            "Received: padding",
        ),
        (
            [FILTERS],
            ["--model=linear"],
            "parameterId: filters",
            "must be a flag that is used with `--model=convolutional` or `--model=residual`; linear has none. "
            "Received: filters",
        ),
        (
            [one("model", [CONVOLUTIONAL, LINEAR])],
            ["--kernel-size=5"],
            "--kernel-size=5",
            "`trialJobSpec.workerPoolSpecs[0].containerSpec.args[1]` must be a parameter under "
            "conditionalParameterSpecs of model, for convolutional alone; linear has none. Received: --kernel-size=5",
        ),
        (
            [one("learning_rate", [0.1, 0.2])],
            ["--model=linear", "--dropout=0.5"],
            "--dropout",
            "must be a flag that is used with `--model=convolutional`, `--model=residual`, "
            "`--model=keras.applications` or `--model=.keras`; linear has none",
        ),
        (
            [one("color", ["grey", "rgb"], (["rgb"], one("model", [LINEAR, RESIDUAL]))), FILTERS],
            [],
            "parameterId: filters",
            "for residual alone; linear has none. Received: filters",
        ),
        (
            [one("model", ["mobilenet", LINEAR])],
            [],
            "mobilenet",
            "must be auto, convolutional, linear, residual, a nam",
        ),
        # What goes with a network that was trained before.
        (
            [one("unfreeze", ["none", "2", "all"]), RATE],
            [f"--model={MOBILE}", "--weights=imagenet"],
            "parameterId: fine_tune_rate",
            "`studySpec.parameters[1].parameterId` must be under conditionalParameterSpecs of unfreeze, for 2 or all "
            "alone: `--fine_tune_rate` must be used with `--unfreeze=all` or a number of blocks. "
            "Received: fine_tune_rate",
        ),
        (
            [one("model", [CONVOLUTIONAL, MOBILE], ([MOBILE], one("weights", ["imagenet"]))), one("unfreeze", ["2"])],
            [],
            "parameterId: unfreeze",
            "must be under conditionalParameterSpecs of weights, for imagenet alone: `--unfreeze` must be used with "
            "`--weights`. Received: unfreeze",
        ),
        (
            [one("model", ["auto", MOBILE]), one("weights", ["imagenet"])],
            [],
            "parameterId: weights",
            "must be under conditionalParameterSpecs of model, for MobileNetV3Small alone: `--weights` must be used "
            "with `--model`. Received: weights",
        ),
        (
            [one("model", ["auto", MOBILE])],
            ["--weights=imagenet"],
            "--weights",
            "args[1]` must be a parameter under conditionalParameterSpecs of model, for MobileNetV3Small alone: "
            "`--weights` must be used with `--model`. Received: --weights=imagenet",
        ),
        (
            [one("model", [RESIDUAL, MOBILE, "a.keras"]), one("weights", ["imagenet"])],
            [],
            "parameterId: weights",
            "must be under conditionalParameterSpecs of model, for MobileNetV3Small alone: `--weights=imagenet` must "
            "be used with a network of keras.applications, such as `--model=MobileNetV3Small`. Received: weights",
        ),
        (
            [
                one(
                    "model",
                    [RESIDUAL, LINEAR],
                    ([RESIDUAL], one("filters", [8, 16])),
                    ([LINEAR], one("filters", [4, 8])),
                )
            ],
            [],
            "parameterId: filters\n        discreteValueSpec:\n          values:\n          - 4",
            "must be unique: studySpec.parameters[0].conditionalParameterSpecs[0].parameterSpec is the same",
        ),
        ([RATE], ["--unfreeze=all"], "--unfreeze", "`--unfreeze` must be used with `--weights`. Received: nothing"),
        (
            [one("unfreeze", ["2"], (["2"], one("freeze_epochs", [1, 4])))],
            [f"--model={MOBILE}", "--weights=a.h5", "--epochs=4"],
            "parameterId: freeze_epochs",
            "must be a flag that is valid with all values it is combined with: `--freeze_epochs` must be less than "
            "`--epochs=4`. Received: --unfreeze=2 --freeze_epochs=4",
        ),
        (
            [one("unfreeze", ["none", "2"])],
            [f"--model={MOBILE}", "--weights=a.h5", "--epochs=4"],
            "--epochs=4",
            "`--freeze_epochs` must be less than `--epochs=4`. Received: 5",
        ),
    ],
)
def test_rejects_with_the_line_what_a_network_has_not(
    parameters: list[Document], arguments: list[str], where: str, said: str, tmp_path: Path
) -> None:
    path = write(tmp_path, parameters, *arguments)
    (line,) = refused(path)
    assert said in line
    text = path.read_text()
    assert line.startswith(f":{text[: text.index(where)].count(chr(10)) + 1}: ")


@pytest.mark.parametrize(
    ("parameters", "given", "said"),
    [
        (
            [one("model", [CONVOLUTIONAL, LINEAR])],
            ["--filters=8"],
            "`--filters` must be a parameter of the file under conditionalParameterSpecs of model, for convolutional "
            "alone; linear has none. Received: 8",
        ),
        (
            [FILTERS],
            ["--model=linear"],
            "must be a flag that is used with `--model=convolutional` or `--model=residual`",
        ),
        ([one("model", [LINEAR])], ["--model=residual"], "must not be a flag of the command line too: `--model`"),
        (
            [one("model", [MOBILE])],
            ["--weights=imagenet", "--unfreeze=all", "--epochs=2"],
            "`--freeze_epochs` must be less than `--epochs=2`. Received: 5",
        ),
    ],
)
def test_rejects_an_argument_of_the_command_line(
    parameters: list[Document], given: list[str], said: str, tmp_path: Path
) -> None:
    (line,) = refused(write(tmp_path, parameters), *given)
    assert said in line


def test_the_command_lines_network_counts(tmp_path: Path) -> None:
    path = write(tmp_path, [FILTERS], "--model=linear")
    assert config.read(path, ["--model=residual"]).arguments == ("--data=digits", "--model=residual")


def test_rejects_all_at_once(tmp_path: Path) -> None:
    parameters = [one("model", [CONVOLUTIONAL, LINEAR]), FILTERS, DEPTH, one("optimiser", ["adam"])]
    lines = refused(write(tmp_path, parameters, "--padding=same"))
    assert [re.sub(r".*Received: ", "", line) for line in lines] == ["filters", "depth", "optimiser", "--padding=same"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class WideHParams(HParams):
    """What a network of a user's own takes."""

    width: int = dataclasses.field(default=3, metadata={"rule": Rule("Network", "of it", 1, networks=(OWN,))})
    gated: str = dataclasses.field(
        default="no", metadata={"rule": Rule("Network", "of it", choices=ANSWERS, networks=(OWN,))}
    )


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of a user's own, with two arguments of its own."""

    def hparams_of(model: str) -> type[HParams]:
        if model == "gone.nets:wide":
            raise UsageError(f"`--model` must be a function that can be imported (no gone). Received: {model}")
        return WideHParams if model == WIDE else HParams

    for module in (networks, network_rules):
        monkeypatch.setattr(module, "hparams_of", hparams_of)


WIDTH, GATED = one("width", [1, 2]), one("gated", ["no", "yes"])


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("parameters", "arguments", "said"),
    [
        ([one("model", [WIDE, LINEAR], ([WIDE], WIDTH), ([WIDE], GATED))], [], ""),
        ([WIDTH, GATED], [f"--model={WIDE}"], ""),
        ([GATED], [f"--model={WIDE}", "--width=5"], ""),
        ([one("model", [WIDE, LINEAR]), WIDTH], [], "for lab.nets:wide alone; linear has none. Received: width"),
        ([one("model", [WIDE, LINEAR])], ["--gated"], "for lab.nets:wide alone; linear has none. Received: --gated"),
        ([one("width", [0, 1])], [f"--model={WIDE}"], "must be at least 1, as `--width` must. Received: 0"),
        ([one("gated", [0, 1])], [f"--model={WIDE}"], "must be categoricalValueSpec: `--gated` is text"),
        ([one("gated", ["on"])], [f"--model={WIDE}"], "must be one of no, yes, as `--gated` must. Received: on"),
        ([one("widht", [1])], [f"--model={WIDE}"], "(did you mean width?). Received: widht"),
        ([WIDTH], [], "must be one of data, "),
        ([FILTERS], [f"--model={WIDE}"], "or `--model=residual`; lab.nets:wide has none. Received: filters"),
        (
            [one("model", ["gone.nets:wide", LINEAR], (["gone.nets:wide"], WIDTH)), GATED],
            ["--height=2"],
            "must be a function that can be imported (no gone)",
        ),
    ],
)
def test_arguments_of_ones_own_network(
    parameters: list[Document], arguments: list[str], said: str, tmp_path: Path
) -> None:
    path = write(tmp_path, parameters, *arguments)
    if said:
        (line,) = refused(path)
        assert said in line
    else:
        assert config.read(path).parameters
