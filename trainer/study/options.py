"""The flags of `python -m trainer.study`, beside those of `trainer.task` that it hands on to every trial."""

import dataclasses
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from absl import flags as absl_flags

from trainer import command_line as flags
from trainer.errors import UsageError
from trainer.hparams import HParams

_MARGIN = 26
_WIDTH = 100


def _flag(default: Any, group: str, help: str, choices: Sequence[str] = ()) -> Any:
    return dataclasses.field(default=default, metadata={"group": group, "help": help, "choices": tuple(choices)})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to do with a study."""

    config: str = _flag("config.yaml", "Study", "a HyperparameterTuningJob, as gcloud takes it")
    target: str = _flag("local", "Study", "where trials run", choices=("local", "vertex"))
    max_trial_count: int = _flag(0, "Study", "in place of the file's maxTrialCount")
    parallel_trial_count: int = _flag(0, "Study", "in place of the file's parallelTrialCount")
    isolation: str = _flag(
        "fork",
        "Here",
        "trials are forks of one process that has loaded TensorFlow, or processes of their own",
        choices=("fork", "process"),
    )
    project: str = _flag("", "On Vertex AI", "project id")
    region: str = _flag("", "On Vertex AI", "as in europe-west4")
    bucket: str = _flag("", "On Vertex AI", "takes the output, as in gs://bucket or gs://bucket/folder")
    image: str = _flag("", "On Vertex AI", "the container image, in place of the file's")
    service_account: str = _flag("", "On Vertex AI", "the e-mail address of the account that trials run as")
    tensorboard: str = _flag("", "On Vertex AI", "a TensorBoard instance; needs --service_account")
    display_name: str = _flag("", "On Vertex AI", "in place of the file's displayName")
    job: str = _flag(
        "tuning",
        "On Vertex AI",
        "the tuning job, or one custom job with its trialJobSpec and the flags given",
        choices=("tuning", "custom"),
    )
    replica_count: int = _flag(0, "On Vertex AI", "machines of each trial")
    machine_type: str = _flag("", "On Vertex AI", "in place of the file's machineType")
    accelerator_type: str = _flag("", "On Vertex AI", "as in NVIDIA_L4")
    accelerator_count: int = _flag(0, "On Vertex AI", "accelerators of each machine")
    spot: str = _flag("", "On Vertex AI", "whether to use Spot machines, in place of the file's", choices=("yes", "no"))
    dry_run: bool = _flag(False, "On Vertex AI", "print the request and the gcloud command, and send nothing")
    watch: bool = _flag(False, "On Vertex AI", "follow the job until it ends")
    cancel_on_interrupt: bool = _flag(False, "On Vertex AI", "let Ctrl-C cancel the job that is watched")
    results: str = _flag(
        "", "On Vertex AI", "fetch a job's trials, by its name or number, and write study.json from them"
    )


def read(arguments: Sequence[str]) -> tuple[Options, list[str], HParams]:
    """Returns the options, the flags of `trainer.task` among the arguments, and what those come to by themselves.

    Raises:
      UsageError: a flag is unknown, lacks its value, or the value breaks its rule.
    """
    values = absl_flags.FlagValues()
    values.set_gnu_getopt(True)
    for field in dataclasses.fields(Options):
        _define(field, values)
    try:
        _, *rest = values(["trainer", *map(_underscored, arguments)], known_only=True)
    except absl_flags.IllegalFlagValueError as error:
        raise (error.__context__ if isinstance(error.__context__, UsageError) else UsageError(str(error))) from None
    except absl_flags.Error as error:
        raise UsageError(str(error)) from None
    given = {name: values[name].value for name in values if values[name].present}
    options = Options(**given)
    _check_flags(rest)
    return options, rest, flags.read(rest)


def without(arguments: Sequence[str], flag: str) -> list[str]:
    """Returns a command line's words but for one flag and its value."""
    words = iter(arguments)
    kept = []
    for word in words:
        if word.partition("=")[0].replace("-", "_") != f"__{flag}":
            kept.append(word)
        elif "=" not in word:
            next(words, None)
    return kept


def help_text(command: str) -> str:
    """Returns what `--help` prints."""
    return "\n".join([f"Usage: {command} --config=config.yaml [--flag=value …]", *_help_lines()])


class _Parser(absl_flags.ArgumentParser[Any]):
    """Reads one option's text by the option's own rule."""

    def __init__(self, field: dataclasses.Field[Any]):
        self._field = field

    def parse(self, argument: Any) -> Any:
        if not isinstance(argument, str):
            return argument
        name, choices = self._field.name, self._field.metadata["choices"]
        if choices and argument not in choices:
            raise UsageError(f"`--{name}` must be one of {', '.join(choices)}. Received: {argument}")
        if self._field.type is int:
            if not argument.isdecimal():
                raise UsageError(f"`--{name}` must be a whole number of at least 0. Received: {argument}")
            return int(argument)
        return argument


def _define(field: dataclasses.Field[Any], values: absl_flags.FlagValues) -> None:
    text = field.metadata["help"]
    if field.type is bool:
        absl_flags.DEFINE_boolean(field.name, field.default, text, flag_values=values)
    else:
        absl_flags.DEFINE(_Parser(field), field.name, None, text, flag_values=values)


def _underscored(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return name.replace("-", "_").replace("_", "-", 2) + equals + value if name.startswith("--") else argument


def _check_flags(arguments: Sequence[str]) -> None:
    """Offers the study's own flags too, where one is misspelled."""
    known = {field.name for field in dataclasses.fields(HParams)}
    for argument in arguments:
        name = argument.removeprefix("--").partition("=")[0]
        if argument.startswith("--") and name not in known:
            nearest = flags.nearest(name, [field.name for field in dataclasses.fields(Options)])
            raise UsageError(f"`--{name}` is no flag. Did you mean --{nearest}?")


def _help_lines() -> Iterator[str]:
    group = ""
    for field in dataclasses.fields(Options):
        if field.metadata["group"] != group:
            group = field.metadata["group"]
            yield f"\n{group}"
        choices = field.metadata["choices"]
        notes = [f"one of {', '.join(choices)}"] if choices else []
        notes += [f"default {field.default}"] if field.default else []
        text = field.metadata["help"] + (f" ({'; '.join(notes)})" if notes else "")
        first, *others = textwrap.wrap(text, _WIDTH - _MARGIN)
        yield f"  --{field.name}".ljust(_MARGIN) + first
        yield from (" " * _MARGIN + line for line in others)
    yield (
        "\nFlags of python -m trainer.task reach every trial, as in --data=digits --epochs=2. --job_dir is the\n"
        "study's folder, with one folder for each trial; the same command with it goes on where a study was stopped."
    )
