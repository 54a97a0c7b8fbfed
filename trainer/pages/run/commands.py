"""How to predict with the model, to look at the logs, to resume the run and to reproduce it: commands to paste."""

import shlex
from collections.abc import Mapping

from trainer import command_line
from trainer.buckets.location import is_remote
from trainer.pages import private
from trainer.pages.html import Html, command, joined, name, note, paragraph, subheading, text
from trainer.pages.page import Section
from trainer.pages.run.facts import FINISHED, Run

_MODULE = ("-m", "trainer.task")


def section(run: Run) -> Section:
    """Returns the section."""
    shell = run.shell
    parts = [_folder(run)]
    if run.state == FINISHED:
        what = f"To classify {run.samples}, {'as this one' if shell.sample else 'add their files to this command'}:"
        words = [shell.python, "-m", "trainer.predict", f"--model={shell.model}", *filter(None, [shell.sample])]
        parts += [subheading(text("Predict")), paragraph(text(what)), command(private.command(words))]
    else:
        parts += [subheading(text("Resume")), paragraph(text("The run continues from its last checkpoint:"))]
        parts.append(command(_training(run, {"job_dir": run.location})))
    board = [shell.python, "-m", "trainer.tensorboard", f"--logdir={shell.logs}"]
    parts += [subheading(text("Look at every picture and curve in TensorBoard")), command(private.command(board))]
    parts += [subheading(text("Reproduce")), paragraph(text(_conditions(run))), command(_training(run, _chosen(run)))]
    return Section("commands", "Predict, resume, reproduce", joined(parts))


def _folder(run: Run) -> Html:
    """Returns where the commands are run; names of files are relative to it."""
    if is_remote(run.location) and is_remote(str(run.configuration.get("data", ""))):
        return note(text("These commands work in any folder."))
    return note(text("These commands belong into this folder:"), Html(" "), name(run.shell.folder))


def _training(run: Run, flags: Mapping[str, object]) -> str:
    """Returns the command of the run with other values of some flags; an empty value leaves a flag out."""
    known = _known(run)
    given = command_line.without(_words(run), flags, known)
    return private.command(
        [run.shell.python, *_MODULE, *given, *(f"--{flag}={value}" for flag, value in flags.items() if value)]
    )


def _words(run: Run) -> list[str]:
    """Returns the flags that the run was started with."""
    words = shlex.split(run.texts.get("command_line", "").strip())
    if words[1:3] == [*_MODULE]:
        return words[3:]
    defaults = command_line.run_flags()
    return [f"--{flag}={value}" for flag, value in run.configuration.items() if flag in defaults]


def _known(run: Run) -> Mapping[str, str]:
    return {**command_line.run_flags(), **dict.fromkeys(run.configuration, "")}


def _chosen(run: Run) -> dict[str, object]:
    """Returns what a run that is to give the same result must be told: it would choose by its own machine."""
    precision = run.record.get("precision", {}).get("name", "")
    return {"job_dir": "", "resume": "", "precision": precision}


def _conditions(run: Run) -> str:
    versions = ", ".join(f"{what} {value}" for what, value in run.record.get("versions", {}).items() if value)
    revision = run.record.get("git_revision")
    at = f" at revision {revision[:12]}" if revision else ""
    cpu = run.record.get("machine", {}).get("cpu", "unknown")
    return (
        f"This command trains the same network in a new folder. With {versions or 'the same versions'}{at}, on the "
        f"same kind of machine ({cpu}), the result is bit-exact."
    )
