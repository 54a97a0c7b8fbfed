"""The flags of `python -m trainer.study`, in addition to those of `trainer.task`, which every trial receives."""

import dataclasses
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from trainer import command_line
from trainer.command_line import END, Argument
from trainer.errors import UsageError
from trainer.hparams import AUTO, TARGETS, Field, Rule, Value, check, rule_of

_TARGET = "target"  # of a study, and of its trials with other values
_MARGIN = 26  # characters before the help texts
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = r"(\d*\.?\d*[1-9]\d*|[1-9]\d*\.?\d*)([smh]?)"  # more than 0, in a unit
_TRAILER = (
    "Flags of python -m trainer.task apply to every trial, as in --data=digits --epochs=2. --job_dir is the "
    "folder of the study, with one subfolder per trial. The same command with it resumes an interrupted study."
)


def _flag(
    default: Any, group: str, help: str, choices: tuple[str, ...] = (), *, pattern: str = "", form: str = ""
) -> Any:
    if type(default) is int:
        rule = Rule(group, help, minimum=0, form="a whole number of at least 0")
    else:
        rule = Rule(group, help, choices=choices, pattern=pattern, form=form)
    return dataclasses.field(default=default, metadata={"rule": rule})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to do with a study."""

    config: str = _flag("config.yaml", "Study", "a HyperparameterTuningJob, as gcloud accepts it")
    target: str = _flag("local", "Study", "where trials run", choices=("local", "vertex"))
    max_trial_count: int = _flag(0, "Study", "overrides maxTrialCount of the file")
    parallel_trial_count: int = _flag(0, "Study", "overrides parallelTrialCount of the file")
    stop: str = _flag(
        AUTO,
        "On this machine",
        "which trials end early. auto: those that cannot win, by the rule of the file, else by the decay curve rule; "
        "config: only by the rule of the file; none: no trial",
        choices=(AUTO, "config", "none"),
    )
    budget: str = _flag(
        "",
        "On this machine",
        "time after which the study ends, as in 600, 90s, 10m or 1.5h; running trials are stopped",
        pattern=rf"(?:{_DURATION})?",
        form="a time in seconds, minutes or hours, as in 600, 90s, 10m or 1.5h",
    )
    isolation: str = _flag(
        "fork",
        "On this machine",
        "fork: trials are forks of one process that has loaded TensorFlow; process: each trial is a separate process",
        choices=("fork", "process"),
    )
    keep_models: int = _flag(
        1, "On this machine", "number of the best trials that keep their models and checkpoints; 0 keeps all"
    )
    project: str = _flag("", "On Vertex AI", "project id")
    region: str = _flag("", "On Vertex AI", "region, as in europe-west4")
    bucket: str = _flag("", "On Vertex AI", "bucket or folder for the output, as in gs://bucket or gs://bucket/folder")
    image: str = _flag("", "On Vertex AI", "container image; overrides that of the file")
    service_account: str = _flag("", "On Vertex AI", "e-mail address of the account that runs the trials")
    tensorboard: str = _flag("", "On Vertex AI", "a TensorBoard instance; requires --service_account")
    display_name: str = _flag("", "On Vertex AI", "overrides displayName of the file")
    job: str = _flag(
        "tuning",
        "On Vertex AI",
        "tuning: the tuning job; custom: one custom job with the trialJobSpec of the file and the given flags",
        choices=("tuning", "custom"),
    )
    replica_count: int = _flag(0, "On Vertex AI", "machines per trial")
    machine_type: str = _flag("", "On Vertex AI", "overrides machineType of the file")
    accelerator_type: str = _flag("", "On Vertex AI", "accelerator, as in NVIDIA_L4")
    accelerator_count: int = _flag(0, "On Vertex AI", "accelerators per machine")
    spot: str = _flag("", "On Vertex AI", "whether to use Spot machines; overrides the file", choices=("yes", "no"))
    dry_run: bool = _flag(False, "On Vertex AI", "print the request and the gcloud command without sending it")
    watch: bool = _flag(False, "On Vertex AI", "follow the job until it ends")
    cancel_on_interrupt: bool = _flag(False, "On Vertex AI", "cancel the watched job on Ctrl-C")
    results: str = _flag(
        "", "On Vertex AI", "download the trials of a job, by its name or number, and write study.json"
    )

    @property
    def seconds(self) -> float:
        """The budget in seconds; 0 if there is none."""
        found = re.fullmatch(_DURATION, self.budget)
        return float(found[1]) * _UNITS[found[2]] if found else 0.0


_FIELDS = dataclasses.fields(Options)
_NEGATED = {f"no{field.name}": field.name for field in _FIELDS if field.type is bool}  # as in --nowatch


def flags(arguments: Sequence[str] = ()) -> dict[str, str]:
    """Returns all flags of a study's command line: those of `trainer.task`, with the named network's, and its own."""
    return command_line.run_flags(arguments) | command_line.flags_of(_FIELDS) | dict.fromkeys(_NEGATED, "false")


def read(arguments: Sequence[str]) -> tuple[Options, list[str], dict[str, Value]]:
    """Returns the options, the flags of `trainer.task` among the arguments, and the values that those give.

    Raises:
      UsageError: a flag is unknown, lacks its value, or the value breaks its rule.
    """
    found = [_positive(argument) for argument in command_line.split(arguments, flags(arguments))]
    given: dict[str, Any] = command_line.parsed([one for one in found if not _is_of_trials(one)], _FIELDS)
    for field in _FIELDS:
        if field.name in given:
            check(field, given[field.name])
    own = command_line.flags_of(_FIELDS)
    command_line.reject_unknown(found, command_line.run_flags(arguments) | own)
    others = [argument for argument in found if argument.name not in own or _is_of_trials(argument)]
    if others[-1:] == [END]:
        others.pop()  # because a trial's parameters follow these words as flags
    words = [word for argument in others for word in argument.normal]
    typed = [word for argument in others for word in argument.words]
    # Each by itself, for what they go with may be in the file.
    fields = dataclasses.fields(command_line.hparams_class(arguments))
    return Options(**given), words, command_line.values(typed, fields)


def _is_of_trials(argument: Argument) -> bool:
    """Returns whether `--target` says what trials learn, as in `--target=labels`, and not where they run."""
    return argument.name == _TARGET and argument.value in TARGETS


def help_text(command: str, width: int = command_line.WIDTH) -> str:
    """Returns the output of `--help`, in lines of a width."""
    trailer = textwrap.wrap(_TRAILER, width)
    lines = command_line.help_lines(_FIELDS, _notes, _MARGIN, width)
    return "\n".join([f"Usage: {command} --config=config.yaml [--flag=value …]", *lines, "", *trailer])


def _positive(argument: Argument) -> Argument:
    """Returns `--nowatch` as `--watch=false`, and other arguments as they are.

    Raises:
      UsageError: such a flag has a value.
    """
    if argument.name not in _NEGATED:
        return argument
    if len(argument.words) > 1 or "=" in argument.words[0]:
        raise UsageError(f"`--{argument.name}` must have no value. Received: {argument.value}")
    return dataclasses.replace(argument, name=_NEGATED[argument.name])


def _notes(field: Field) -> Iterator[str]:
    if rule_of(field).choices:
        yield str(rule_of(field))
    if field.default:
        yield f"default {field.default}"
