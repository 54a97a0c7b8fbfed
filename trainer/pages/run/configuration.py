"""The configuration: the flags, what was chosen by itself, the machine, the versions."""

import dataclasses
from typing import Any

from trainer.hparams import HParams
from trainer.pages import private
from trainer.pages.html import Html, element, folded, joined, name, note, text
from trainer.pages.page import Section
from trainer.pages.run.facts import Run
from trainer.pages.table import columns, table


def section(run: Run) -> Section:
    """Returns the section."""
    defaults = {field.name: field.default for field in dataclasses.fields(HParams)}
    changed = {flag: value for flag, value in run.configuration.items() if defaults.get(flag) != value}
    usual = {flag: value for flag, value in run.configuration.items() if flag not in changed}
    parts = [
        _flags("Flags that differ from their defaults, or were chosen by the data", changed),
        folded(text(f"{len(usual)} flags with their defaults"), _flags("Flags with their defaults", usual)),
        _choices(run),
        _versions(run),
    ]
    return Section("configuration", "Configuration", joined(parts))


def _flags(caption: str, values: dict[str, Any]) -> Html:
    if not values:
        return note(text("All flags have their defaults."))
    rows = [
        [element("code", None, text(f"--{flag}")), name(private.value_of(flag, value))]
        for flag, value in values.items()
    ]
    return table(text(caption), columns(["flag", "value"]), rows, "words")


def _choices(run: Run) -> Html:
    named = {"precision": "name", "network": "family", "augmentation": "preset", "compilation": "name"}
    found = {what: (run.record[what], key) for what, key in named.items() if isinstance(run.record.get(what), dict)}
    rows = [[text(what), text(one.get(key, "")), text(one.get("reason", ""))] for what, (one, key) in found.items()]
    return table(text("Choices"), columns(["", "choice", "reason"]), rows, "words") if rows else Html("")


def _versions(run: Run) -> Html:
    machine = run.record.get("machine", {})
    gpus = machine.get("gpus") or []
    given = {
        **run.record.get("versions", {}),
        "git revision": run.record.get("git_revision"),
        "CPU": f"{machine.get('cpu', 'unknown')}, {machine.get('cores', '?')} cores",
        "GPU": ", ".join(map(str, gpus)) if gpus else "none",
        "steps per epoch": run.steps_per_epoch,
    }
    rows = [[text(what), text("unknown" if value is None else value)] for what, value in given.items()]
    return table(text("Versions and machine"), columns(["", ""]), rows, "words")
