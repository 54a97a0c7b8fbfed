"""The reader of config.yaml: what it makes of a right file, and every line that it finds in wrong ones."""

import dataclasses
import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from tests.study.broken import BREAK_TWO_RULES, BROKEN, GOOD
from tests.study.mutants import changed
from trainer import command_line as flags
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.metrics import ACCURACY
from trainer.study.config import document as config
from trainer.study.config import messages
from trainer.study.config.placeholders import placeholders
from trainer.study.local import layout
from trainer.study.search.space import Space
from trainer.study.spec import (
    BEST_MEASUREMENT,
    LAST_MEASUREMENT,
    LINEAR,
    LOG,
    RANDOM_SEARCH,
    UNSPECIFIED,
    Job,
    Parameter,
    Stopping,
)

SHIPPED = Path(__file__).parents[3] / "config.yaml"
NETWORKS = SHIPPED.with_name("config.networks.yaml")
BOTH = pytest.mark.parametrize("shipped", [SHIPPED, NETWORKS], ids=lambda path: path.stem)


def with_comments(text: str) -> str:
    """Returns a file with what its comments offer."""
    names = r"tensorboard|serviceAccount|acceleratorType|acceleratorCount|median\w+|algorithm"
    return re.sub(rf"# (?=(?:{names}): |(?: |- )+[a-zA-Z]+: ?|- parentC)", "", text)


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def errors(folder: Path, text: str, *arguments: str) -> list[str]:
    path = write(folder, text)
    with pytest.raises(UsageError) as refused:
        config.read(path, arguments)
    return [line.removeprefix(str(path)) for line in str(refused.value).splitlines()]


def broken(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_reads_what_is_asked_for(tmp_path: Path) -> None:
    job = config.read(write(tmp_path, GOOD), ["--epochs=2"])
    dilation = Parameter(name="dilation_rate", kind="discrete", values=(1.0, 2.0))
    stride = Parameter(name="stride", kind="integer", low=1, high=3, children=(((1, 2), dilation),))
    assert job == Job(
        name="small",
        metric="val_accuracy",
        maximize=True,
        parameters=(
            Parameter(name="filters", kind="discrete", values=(8.0, 16.0, 32.0), scale=LOG),
            Parameter(name="padding", kind="categorical", values=("same", "valid"), children=((("same",), stride),)),
            Parameter(name="learning_rate", kind="double", low=1e-4, high=1e-2, scale=LOG),
        ),
        selection=BEST_MEASUREMENT,
        stopping=Stopping(
            rule="convex", options={"maxStepCount": 20, "minStepCount": 2, "learningRateParameterName": "learning_rate"}
        ),
        study_stopping={
            "minNumTrials": 3,
            "maxNumTrials": 5,
            "minimumRuntimeConstraint": {"maxDuration": "60s"},
            "maximumRuntimeConstraint": {"maxDuration": "3600s"},
        },
        max_trials=6,
        parallel_trials=2,
        max_failed_trials=1,
        arguments=("--data=digits", "--epochs=2"),
        document=yaml.safe_load(GOOD),
    )


def test_leaves_the_service_its_defaults(tmp_path: Path) -> None:
    text = re.sub(r"  (goal|algorithm|measurementSelectionType|scaleType): .*\n", "  # \n", GOOD)
    text = text.replace("goal: MAXIMIZE", "").replace("maxFailedTrialCount: 1\n", "")
    job = config.read(write(tmp_path, text))
    assert job.maximize and job.algorithm == "ALGORITHM_UNSPECIFIED" and job.selection == LAST_MEASUREMENT
    assert job.max_failed_trials == 0 and {parameter.scale for parameter in job.parameters} == {LINEAR}


@pytest.mark.parametrize(
    ("field", "rule"),
    [("medianAutomatedStoppingSpec", "median"), ("decayCurveStoppingSpec", "decay_curve")],
)
def test_reads_the_other_stopping_rules(field: str, rule: str, tmp_path: Path) -> None:
    text = re.sub(r"  convex.*?(?=  studyS)", f"  {field}: {{useElapsedDuration: true}}\n", GOOD, flags=re.DOTALL)
    assert config.read(write(tmp_path, text)).stopping == Stopping(rule=rule, options={"useElapsedDuration": True})


def test_reads_the_services_own_form() -> None:
    """It leaves out what is zero, and writes large integers as text."""
    document = {
        "displayName": "a",
        "maxTrialCount": 4,
        "parallelTrialCount": 1,
        "studySpec": {
            "metrics": [{"metricId": "loss", "goal": "MINIMIZE"}],
            "parameters": [
                {"parameterId": "seed", "integerValueSpec": {"maxValue": "9"}, "scaleType": "UNIT_LINEAR_SCALE"}
            ],
        },
    }
    job = config.job(document)
    assert not job.maximize and job.parameters == (Parameter(name="seed", kind="integer", low=0, high=9),)


@pytest.mark.parametrize(("old", "new", "where", "said"), BROKEN)
def test_rejects_with_the_line(old: str, new: str, where: str, said: str, tmp_path: Path) -> None:
    text = broken(old, new)
    found = [line for line in errors(tmp_path, text) if said in line]
    assert [line.split(": ")[0] for line in found] == [f":{line_of(text, where)}"], errors(tmp_path, text)


@pytest.mark.parametrize(("old", "new", "where", "said"), BROKEN)
def test_says_one_thing_of_one_mistake(old: str, new: str, where: str, said: str, tmp_path: Path) -> None:
    lines = errors(tmp_path, broken(old, new))
    assert len(lines) == (2 if new in BREAK_TWO_RULES else 1), lines


def test_rejects_everything_at_once_in_the_files_order(tmp_path: Path) -> None:
    edits = [
        ("goal: MAX", "gaol: MAX", "(did you mean goal?)"),
        ("maxTrialCount: 6", "maxTrialCount: six", "Received: six"),
        ("parallelTrialCount: 2", "parallelTrialCount: 0", "Received: 0"),
        ("displayName: small", "displayName: small\nstate: JOB_STATE_PENDING", "the service sets it"),
        ("team: vision", "Team: vision", "`labels.Team`"),
        ("metricId: val_accuracy", "metricId: accuracy", "must be one of val_accuracy"),
        ("          - 16.0", "          - 16.5", "Received: 16.5"),
        ("          - valid\n", "          - no\n", "Received: no"),
        ("--data=digits", "--padding=same", "studySpec.parameters[1] tunes it"),
        ("gs://BUCKET", "BUCKET", "must be a folder in a bucket"),
        ("SPOT", "LOW_COST", "it is SPOT now"),
    ]
    text = GOOD
    for old, new, _ in edits:
        text = text.replace(old, new, 1)
    lines = errors(tmp_path, text, "--dta=digits")
    assert lines[0] == "`--dta` is not a flag. Did you mean --data?"
    numbers = [int(line.split(":")[1]) for line in lines[1:]]
    assert numbers == sorted(numbers) and len(numbers) == len(edits)
    assert all(any(said in line for line in lines) for _, _, said in edits)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=changed(yaml.safe_load(GOOD)) | changed(yaml.safe_load(with_comments(NETWORKS.read_text()))))
def test_accepts_or_says_where_whatever_it_is(document: Any, tmp_path: Path) -> None:
    path = write(tmp_path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    try:
        job = config.read(path)
    except UsageError as error:
        assert all(
            re.match(rf"{re.escape(str(path))}:[1-9]\d*: .*\. (?:Received: .+|Did you mean .+)", line)
            for line in str(error).splitlines()
        ), error
    else:
        assert messages.parse(job.document)
        assert flags.read(job.arguments)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ":1: the file must contain a job. Received: nothing"),
        (b"# nothing\n", ":1: the file must contain a job. Received: nothing"),
        (b"- a\n- b\n", ":1: `the file` must be a mapping of createTime, displayName"),
        (b"a: b: c\n", ":1: the file must be YAML, one document. Received: mapping values are not allowed here"),
        (b"a:\n\tb: c\n", ":2: the file must be YAML, indented by spaces, not tabs. Received: while scanning"),
        (b"a: [1\nb: 2\n", ":2: the file must be YAML"),
        (b"a: 1\n---\nb: 2\n", ":2: the file must be YAML, one document. Received: expected a single document"),
        (b"a: *b\n", ":1: the file must be YAML, one document. Received: found undefined alias 'b'"),
        ("a: b\nc: ü\n".encode("latin-1"), ":2: the file must be UTF-8. Received: byte 0xfc"),
        (b"a: b\nc: \x07\n", ":2: the file must contain printable characters. Received: '\\x07'"),
        (b"a: " + b"[" * 2000, ":1: the file must be less deeply nested"),
    ],
)
def test_rejects_what_is_no_yaml(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        config.read(path)
    assert str(refused.value).removeprefix(str(path)).startswith(said)


def test_rejects_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"`--config` must be a file to read \(No such file or directory\). Received: "
    ):
        config.read(tmp_path / "nowhere.yaml")
    with pytest.raises(UsageError, match=r"\(Is a directory\)"):
        config.read(tmp_path)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--padding=valid", ":29: `studySpec.parameters[1].parameterId` must not be a flag of the command line too"),
        ("--epochs=few", "`--epochs` must be auto, or a whole number of at least 0. Received: few"),
        ("--dta=digits", "`--dta` is not a flag. Did you mean --data?"),
    ],
)
def test_rejects_arguments(argument: str, said: str, tmp_path: Path) -> None:
    (line,) = errors(tmp_path, GOOD, argument)
    assert line.startswith(said)


def test_understands_anchors_and_merges(tmp_path: Path) -> None:
    text = broken("maxTrialCount: 6\nparallelTrialCount: 2", "maxTrialCount: &n 6\nparallelTrialCount: *n")
    text = text.replace("minimumRuntimeConstraint: {", "minimumRuntimeConstraint: &time {", 1)
    text = text.replace("{maxDuration: 3600s}", "{<<: *time, maxDuration: 90s}", 1)
    job = config.read(write(tmp_path, text))
    assert job.parallel_trials == 6
    assert job.study_stopping["maximumRuntimeConstraint"] == {"maxDuration": "90s"}
    assert yaml.safe_load(text) == job.document


def test_finds_placeholders(tmp_path: Path) -> None:
    document: Any = yaml.safe_load(GOOD)
    pool = "trialJobSpec.workerPoolSpecs[0].containerSpec"
    assert placeholders(document) == [
        ("trialJobSpec.baseOutputDirectory.outputUriPrefix", "gs://BUCKET/trainer"),
        (f"{pool}.imageUri", "REGION-docker.pkg.dev/PROJECT/trainer/trainer:latest"),
    ]
    filled = (
        GOOD.replace("BUCKET", "bucket").replace("REGION", "us").replace("PROJECT", "p").replace(":latest", ":PROD")
    )
    assert placeholders(yaml.safe_load(filled)) == []
    assert config.read(write(tmp_path, filled.replace("--data=digits", "--data=gs://bucket/MNIST")))
    data = filled.replace("--data=digits", "--data=gs://BUCKET/mnist")
    assert placeholders(yaml.safe_load(data)) == [(f"{pool}.args[0]", "--data=gs://BUCKET/mnist")]


def _all(parameters: Any) -> list[Parameter]:
    return [
        found for parameter in parameters for found in [parameter, *_all([child for _, child in parameter.children])]
    ]


@BOTH
def test_the_shipped_file_is_accepted_here_and_by_the_real_messages(shipped: Path) -> None:
    aiplatform = pytest.importorskip("google.cloud.aiplatform_v1.types")
    from google.protobuf import json_format

    job = config.read(shipped)
    real = aiplatform.HyperparameterTuningJob.pb()()
    json_format.ParseDict(dict(job.document), real)
    assert real.SerializeToString() == messages.parse(job.document).SerializeToString()
    spec = aiplatform.CustomJobSpec.pb()()
    json_format.ParseDict(job.document["trialJobSpec"], spec)
    assert messages.check(job.document["trialJobSpec"], messages.CUSTOM_JOB_SPEC) == []


@BOTH
def test_the_shipped_file_is_whole_where_its_comments_are_used(shipped: Path, tmp_path: Path) -> None:
    shown = with_comments(shipped.read_text())
    job = config.read(write(tmp_path, shown))
    assert job.stopping.rule == "median"
    assert len(placeholders(job.document)) == 4
    named = shown
    for word in ("BUCKET", "REGION", "PROJECT", "TENSORBOARD"):
        named = named.replace(word, {"REGION": "europe-west4", "TENSORBOARD": "12"}.get(word, word.lower()))
    assert placeholders(config.read(write(tmp_path, named)).document) == []


def test_the_shipped_file_tunes_the_convolution() -> None:
    job = config.read(SHIPPED)
    kinds = {parameter.name: (parameter.kind, parameter.scale == LOG) for parameter in _all(job.parameters)}
    assert kinds == {
        "filters": ("discrete", True),
        "kernel_size": ("discrete", False),
        "padding": ("categorical", False),
        "stride": ("integer", False),
        "dilation_rate": ("integer", False),
        "learning_rate": ("double", True),
        "batch_size": ("discrete", True),
    }
    assert (job.metric, job.maximize, job.selection) == (ACCURACY.tag, True, BEST_MEASUREMENT)
    assert job.document["trialJobSpec"]["scheduling"] == {"strategy": "SPOT"}


def test_the_networks_that_were_trained_before_are_tuned_where_the_comments_are_used(tmp_path: Path) -> None:
    assert config.read(SHIPPED).algorithm == UNSPECIFIED
    assert config.read(write(tmp_path, with_comments(SHIPPED.read_text()))).algorithm == RANDOM_SEARCH
    plain, whole = config.read(NETWORKS), config.read(write(tmp_path, with_comments(NETWORKS.read_text())))
    names = [parameter.name for parameter in _all(plain.parameters)]
    assert names == ["model", "filters", "kernel_size", "stride", "depth", "learning_rate"]
    more = [parameter.name for parameter in _all(whole.parameters) if parameter.name not in names]
    assert more == ["weights", "unfreeze", "fine_tune_rate"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [(SHIPPED.read_text(), 2), (NETWORKS.read_text(), 3), (with_comments(NETWORKS.read_text()), 4)],
)
def test_a_trial_accepts_whatever_the_shipped_file_suggests(text: str, kinds: int, tmp_path: Path) -> None:
    """In each of the ways in which parameters exist together."""
    job = config.read(write(tmp_path, text))
    space, seen = Space(job.parameters), set()
    for point in np.random.default_rng(0).random((2000, len(space.axes))):
        values = space.values(point)
        hparams = flags.read(layout.arguments(job.arguments, values))
        assert {name: getattr(hparams, name) for name in values} == values
        seen.add(tuple(values))
    assert len(seen) == kinds


def test_the_shipped_files_every_network_can_be_built() -> None:
    from trainer.data.form import Form
    from trainer.networks import convolutional

    job = config.read(SHIPPED)
    given = flags.read(job.arguments)
    whole = [parameter for parameter in _all(job.parameters) if parameter.kind != "double"]
    built = 0
    for values in itertools.product(*map(_network_values, whole)):
        hparams = dataclasses.replace(given, **dict(zip((parameter.name for parameter in whole), values, strict=True)))
        if hparams.stride == 1 or hparams.dilation_rate == HParams().dilation_rate:
            convolutional.layers(hparams, Form((28, 28), 1), 10)
            built += 1
    assert built == 4 * 3 * 2 * 3 * 3


def _network_values(parameter: Parameter) -> list[Any]:
    if parameter.kind == "integer":
        return list(range(int(parameter.low), int(parameter.high) + 1))
    return [int(value) if isinstance(value, float) else value for value in parameter.values]


@pytest.mark.parametrize(
    ("metric", "goal", "flag", "said"),
    [
        (
            "val_accuracy",
            "MAXIMIZE",
            "labels",
            "metricId` must be one of val_average_precision, val_f1, val_loss with `--target=labels`; ",
        ),
        ("val_average_precision", "MAXIMIZE", "classes", "; val_average_precision needs `--target=labels`. "),
        ("val_r2", "MAXIMIZE", "labels", "; val_r2 needs `--target=numbers`. Received: val_r2"),
        ("val_mean_absolute_error", "MAXIMIZE", "numbers", "goal` must be MINIMIZE: a lower val_mean_absolute_error"),
        ("val_average_precision", "MINIMIZE", "labels", "goal` must be MAXIMIZE: a higher val_average_precision"),
    ],
)
def test_rejects_a_metric_of_another_target_or_with_another_goal(
    metric: str, goal: str, flag: str, said: str, tmp_path: Path
) -> None:
    text = broken("metricId: val_accuracy", f"metricId: {metric}").replace("goal: MAXIMIZE", f"goal: {goal}", 1)
    (line,) = errors(tmp_path, text, f"--target={flag}")
    assert said in line


@pytest.mark.parametrize(
    ("metric", "goal", "flag"),
    [
        ("val_average_precision", "MAXIMIZE", "labels"),
        ("val_f1", "MAXIMIZE", "labels"),
        ("val_loss", "MINIMIZE", "labels"),
        ("val_mean_absolute_error", "MINIMIZE", "numbers"),
        ("val_r2", "MAXIMIZE", "numbers"),
    ],
)
def test_takes_the_metric_of_a_target(metric: str, goal: str, flag: str, tmp_path: Path) -> None:
    text = broken("metricId: val_accuracy", f"metricId: {metric}").replace("goal: MAXIMIZE", f"goal: {goal}", 1)
    found = config.read(write(tmp_path, text), [f"--target={flag}"])
    assert (found.metric, found.maximize) == (metric, goal == "MAXIMIZE")
    assert f"--metric={metric.removeprefix('val_')}" in found.arguments


LOSS = "- --metric=loss\n          "  # before another argument of the container


@pytest.mark.parametrize(
    ("tag", "goal", "own", "given", "arguments"),
    [
        ("val_accuracy", "MAXIMIZE", "", (), ()),
        ("val_macro_f1", "MAXIMIZE", "", (), ("--metric=macro_f1",)),
        ("val_loss", "MINIMIZE", LOSS, (), ("--metric=loss",)),
        ("val_auc", "MAXIMIZE", LOSS, ("--metric=auc",), ("--metric=auc",)),
    ],
)
def test_trials_report_the_metric_of_the_study(
    tag: str, goal: str, own: str, given: tuple[str, ...], arguments: tuple[str, ...], tmp_path: Path
) -> None:
    text = GOOD.replace("val_accuracy", tag).replace("goal: MAXIMIZE", f"goal: {goal}")
    job = config.read(write(tmp_path, text.replace("- --data=digits", f"{own}- --data=digits")), given)
    assert (job.metric, job.maximize) == (tag, goal == "MAXIMIZE")
    assert tuple(one for one in job.arguments if one.startswith("--metric")) == arguments


@pytest.mark.parametrize("given", ["file", "command line"])
def test_rejects_a_metric_that_trials_do_not_report(given: str, tmp_path: Path) -> None:
    text = GOOD.replace("- --data=digits", f"{LOSS}- --data=digits") if given == "file" else GOOD
    (line,) = errors(tmp_path, text, *(["--metric=loss"] if given != "file" else []))
    assert line.startswith(
        f":{line_of(text, 'metricId')}: `studySpec.metrics[0].metricId` must be val_loss, with goal "
    )


def test_rejects_the_metric_as_a_parameter(tmp_path: Path) -> None:
    text = GOOD.replace("parameterId: padding", "parameterId: metric").replace("- valid", "- loss")
    (line,) = [one for one in errors(tmp_path, text) if "Received: metric" in one]
    assert "must be a flag of what is trained" in line and "metric," not in line


def test_rejects_parameters_that_change_the_loss_that_ranks(tmp_path: Path) -> None:
    text = GOOD.replace("parameterId: padding", "parameterId: class_weights").replace("- same", "- none")
    text = text.replace("- valid", "- auto")
    config.read(write(tmp_path, text))
    text = text.replace("val_accuracy", "val_loss").replace("MAXIMIZE", "MINIMIZE")
    assert [one for one in errors(tmp_path, text) if "changes the loss" in one] == [
        f":{line_of(text, 'class_weights')}: `studySpec.parameters[1].parameterId` must be left out with metricId "
        "val_loss, since it changes the loss. Received: class_weights"
    ]
