"""Command lines: how words become flags, and that everything in the project that reads them agrees."""

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import command_line, local_cluster
from trainer.command_line import END, Argument
from trainer.errors import UsageError
from trainer.hparams import ANSWERS, Field, HParams, rule_of
from trainer.study import options as study_options
from trainer.study.config import flag_rules
from trainer.study.config.document import job
from trainer.study.config.view import View
from trainer.study.vertex.request import overridden

KNOWN = {"a": "", "b": "", "long_name": "", "ask": "yes"}


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ([], []),
        (["--a=1"], [("a", "1")]),
        (["--a", "1"], [("a", "1")]),
        (["-a=1", "-b", "2"], [("a", "1"), ("b", "2")]),
        (["--a=1=2"], [("a", "1=2")]),
        (["--a="], [("a", "")]),
        (["--a", ""], [("a", "")]),
        (["--long-name=c-d", "--long_name", "c-d"], [("long_name", "c-d"), ("long_name", "c-d")]),
        (["-long-name=1"], [("long-name", "1")]),  # one dash is for names as they are
        (["--a", "-1"], [("a", "-1")]),
        (["--a", "--b", "--b=2"], [("a", "--b"), ("b", "2")]),
        (["--a", "--long-name"], [("a", "--long-name")]),
        (["--a"], [("a", None)]),
        (["--ask", "--a=1"], [("ask", "yes"), ("a", "1")]),
        (["--ask", "no"], [("ask", "yes"), ("", "no")]),
        (["--ask=no"], [("ask", "no")]),
        (["-ask", "no"], [("ask", "no")]),
        (["-ask", "--a=1"], [("ask", "yes"), ("a", "1")]),
        (["--new", "1", "--a=1"], [("new", "1"), ("a", "1")]),
        (["--new", "--a=1"], [("new", None), ("a", "1")]),
        (["word", "--a=1", "-", "--=1"], [("", "word"), ("a", "1"), ("", "-"), ("", "--=1")]),
        (["--a=1", "--", "--b=2", "--"], [("a", "1"), ("", None), ("", "--b=2"), ("", "--")]),
        (["--a", "--", "--b=2"], [("a", "--"), ("b", "2")]),
        (["---a=1"], [("_a", "1")]),
    ],
)
def test_splits(words: list[str], arguments: list[tuple[str, str | None]]) -> None:
    found = command_line.split(words, KNOWN)
    assert [(argument.name, argument.value) for argument in found] == arguments
    assert [word for argument in found for word in argument.words] == words


def test_writes_a_flag_with_underscores() -> None:
    words = ["--long-name", "c-d", "--long-name=c-d", "-a=1", "e-f", "--", "--long-name"]
    normal = [word for argument in command_line.split(words, KNOWN) for word in argument.normal]
    assert normal == ["--long_name", "c-d", "--long_name=c-d", "-a=1", "e-f", "--", "--long-name"]
    assert command_line.split(["--"], KNOWN) == [END]
    assert END.normal == ("--",)


def test_leaves_flags_out() -> None:
    words = ["--a=1", "--long-name", "x", "--b", "2", "word", "--long_name=y", "--ask", "--a=3"]
    assert command_line.without(words, ["long_name"], KNOWN) == ["--a=1", "--b", "2", "word", "--ask", "--a=3"]
    assert command_line.without(words, ["ask", "a", ""], KNOWN)[-1] == "--long_name=y"
    assert command_line.without(words, ["ask", "a", ""], KNOWN)[4] == "word"


def test_finds_the_last_value_of_a_flag() -> None:
    words = ["--a=1", "--b", "2", "--a", "3"]
    assert [command_line.last_value(words, name, KNOWN) for name in ("a", "b", "long_name")] == ["3", "2", ""]


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], {}),
        (["--filters=64"], {"filters": 64}),
        (["--filters", "64"], {"filters": 64}),
        (["--filters=64.0"], {"filters": 64}),
        (["--learning-rate=0.1"], {"learning_rate": 0.1}),
        (["--learning_rate=0.1"], {"learning_rate": 0.1}),
        (["--job-dir=/a-b/c-d"], {"job_dir": "/a-b/c-d"}),
        (["--job-dir", "/a-b"], {"job_dir": "/a-b"}),
        (["--epochs=1", "--epochs=2"], {"epochs": 2}),
        (["-epochs=1", "-filters", "2", "--"], {"epochs": 1, "filters": 2}),
        (["--skip-broken", "--epochs=2"], {"skip_broken": "yes", "epochs": 2}),
        (["--skip_broken=no"], {}),
        (["--stride=1"], {"model": "convolutional"}),  # as `--stride=2` of another trial
        (["--model=auto", "--dense-units", "8"], {"model": "convolutional", "dense_units": 8}),
        (["--model=residual", "--filters=8"], {"model": "residual", "filters": 8}),
        # The validation of a cross-validation is small unless it chooses.
        (["--folds=5"], {"folds": "5", "validation_split": 0.02}),
        (["--folds=3/5", "--validation_split=0.1"], {"folds": "3/5", "validation_split": 0.1}),
        (["--folds=5", "--metric=auto"], {"folds": "5", "validation_split": 0.02}),
        (["--folds=5", "--metric=auc"], {"folds": "5", "metric": "auc"}),
        (["--folds=5", "--epochs=auto"], {"folds": "5", "epochs": -1}),
        (["--folds=5", "--export=best"], {"folds": "5", "export": "best"}),
    ],
)
def test_reads(arguments: list[str], values: dict[str, object]) -> None:
    assert command_line.read(arguments) == HParams(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--filtrs=3"], "`--filtrs` is not a flag. Did you mean --filters?"),
        (["--learning-rat=3"], "`--learning-rat` is not a flag. Did you mean --learning_rate?"),
        (["-learning-rate=3"], "`-learning-rate` is not a flag. Did you mean --learning_rate?"),
        (["--hel"], "`--hel` is not a flag. Did you mean --help?"),
        (["--filters=32.5"], "`--filters` must be a whole number. Received: 32.5"),
        (["--epochs=abc"], "`--epochs` must be auto, or a whole number of at least 0. Received: abc"),
        (["--epochs=abc", "--epochs=2"], "`--epochs` must be auto, or a whole number of at least 0. Received: abc"),
        (["--epochs=-1"], "`--epochs` must be auto, or a whole number of at least 0. Received: -1"),
        (["--batch_size=-4"], "`--batch_size` must be at least 0. Received: -4"),
        (["--batch_size", "-4"], "`--batch_size` must be at least 0. Received: -4"),
        (
            ["--epochs", "--filters=8"],
            "`--epochs` must be auto, or a whole number of at least 0. Received: --filters=8",
        ),
        (["--epochs"], "`--epochs` must be given a value, as in --epochs=…. Received: nothing"),
        (["-epochs"], "`-epochs` must be given a value, as in -epochs=…. Received: nothing"),
        (["--batch-size=x"], "`--batch-size` must be a whole number. Received: x"),
        (["-filters", "0"], "`-filters` must be at least 1. Received: 0"),
        (["--frobnicate=3"], "`--frobnicate` is not a flag. --help lists all."),
        (["digits"], "every argument must be a flag, as in --data=digits. Received: digits"),
        (["--skip_broken", "no"], "every argument must be a flag, as in --data=digits. Received: no"),
        (["--", "--epochs=2"], "every argument must be a flag, as in --data=digits. Received: --epochs=2"),
        ([""], "every argument must be a flag, as in --data=digits. Received: ''"),
        # Of several mistakes: values first, then names, then words.
        (
            ["digits", "--filtrs=3", "--epochs=x"],
            "`--epochs` must be auto, or a whole number of at least 0. Received: x",
        ),
        (["digits", "--filtrs=3"], "`--filtrs` is not a flag. Did you mean --filters?"),
    ],
)
def test_rejects(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        command_line.read(arguments)
    assert str(error.value) == message


def test_help_names_every_flag_with_its_default() -> None:
    text = command_line.help_text("program")
    flowing = " ".join(text.split())
    for name, default in HParams().configuration().items():
        assert f"  --{name} " in text
        assert default == "" or f"default {default})" in flowing
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("width", [60, 80])
def test_help_fits_the_terminal(width: int) -> None:
    wide, narrow = (command_line.help_text("program", width=columns) for columns in (100, width))
    assert max(map(len, narrow.splitlines())) <= width
    assert narrow.split() == wide.split()


def _written(name: str, value: str, is_question: bool) -> st.SearchStrategy[list[str]]:
    """Returns the ways to write a flag and its value."""
    dashed = name.replace("_", "-")
    ways = [[f"--{name}={value}"], [f"--{dashed}={value}"], [f"-{name}={value}"]]
    if not is_question:
        ways += [[f"--{name}", value], [f"--{dashed}", value], [f"-{name}", value]]
    elif value == "yes":
        ways += [[f"--{name}"], [f"--{dashed}"]]
    return st.sampled_from(ways)


def _values(field: Field) -> st.SearchStrategy[str]:
    rule = rule_of(field)
    if rule.choices:
        return st.sampled_from(rule.choices)
    if field.type is str:
        return st.sampled_from(
            [str(field.default), *({"job_dir": ["--x-y", "-1", "a=b", "", "--", "a b"]}.get(field.name, []))]
        )
    return st.sampled_from([str(field.default), f"{float(field.default)}", "1", "-1", "-0.5", "x"])


ONE_FLAG = st.sampled_from(dataclasses.fields(HParams)).flatmap(
    lambda field: _values(field).flatmap(lambda value: _written(field.name, value, rule_of(field).choices == ANSWERS))
)
MISTAKES = st.sampled_from(
    [["--fliters"], ["--fliters", "3"], ["word"], ["--epochs"], ["-"], ["--"], ["--skip-broken", "no"]]
)
LINES = st.lists(ONE_FLAG | MISTAKES, max_size=5).map(lambda flags: [word for flag in flags for word in flag])


def _read(words: Sequence[str]) -> HParams | str:
    try:
        return command_line.read(words)
    except UsageError as error:
        return str(error)


@given(words=LINES)
def test_all_readers_agree(words: list[str]) -> None:
    hparams = _read(words)
    known = command_line.run_flags()
    found = command_line.split(words, known)
    names = [argument.name for argument in found]

    # The study's options: with its own flags around those of a run.
    try:
        chosen, handed_on, of_study = study_options.read(["--watch", "--config", "a", *words])
        assert (chosen.watch, chosen.config) == (True, "a")
        # What does not go together here may, with what is in the file.
        assert isinstance(hparams, str) or _read(handed_on) == hparams
        # A flag that the convolutional network alone has chooses it, once all flags are there.
        assert isinstance(hparams, str) or HParams(**{**of_study, "model": hparams.model}) == hparams
    except UsageError as error:
        assert isinstance(hparams, str)
        assert str(error) == hparams or "is not a flag" in str(error)

    # Several machines here: the words are handed on as they are.
    assert local_cluster._count_workers(["--workers", "3", *words]) == (3, words)

    # config.yaml's rules see the same flags, and refuse none that is right together with the others.
    views = [View(word, ("args", index)) for index, word in enumerate(words)]
    seen = list(flag_rules._with_views(View(words, ("args",)), known))
    assert seen == [
        (argument, views[_before(found, index) :][: len(argument.words)]) for index, argument in enumerate(found)
    ]
    if isinstance(hparams, HParams) and len({*names}) == len(names):
        assert all(command_line.values(argument.words, dataclasses.fields(HParams)) is not None for argument in found)

    # A flag that is left out is not read, and all others are. (What an unknown one takes depends on what follows.)
    for name in {*names} - {""} if {*names} - {""} <= {*known} else ():
        rest = command_line.split(command_line.without(words, [name], known), known)
        assert rest == [argument for argument in found if argument.name != name]
        values = [argument.value or "" for argument in found if argument.name == name]
        assert command_line.last_value(words, name, known) == values[-1]


def _before(found: Sequence[Argument], index: int) -> int:
    return sum(len(argument.words) for argument in found[:index])


@given(own=LINES, changes=LINES)
def test_flags_override_a_files_as_they_override_each_other(own: list[str], changes: list[str]) -> None:
    expected, known = _read([*own, *changes]), command_line.run_flags()
    if not all(isinstance(_read(words), HParams) for words in (own, changes)) or "--" in (*own, *changes):
        return
    sent = overridden(own, changes, known)
    assert _read(sent) == expected
    names = [argument.name for argument in command_line.split(sent, known)]
    assert all(names.count(argument.name) == 1 for argument in command_line.split(changes, known))
    document = {"trialJobSpec": {"workerPoolSpecs": [{"containerSpec": {"args": own}}]}}
    assert _read(job(document, changes).arguments) == expected


@pytest.mark.parametrize("words", [["--skip_broken", "--filters=8"], ["--skip-broken", "--filters", "8"]])
def test_a_question_swallows_no_flag(words: list[str]) -> None:
    expected, known = HParams(skip_broken="yes", filters=8), command_line.run_flags()
    assert command_line.read(words) == HParams(**study_options.read(words)[2]) == expected
    assert command_line.read(command_line.without([*words, "--epochs=2"], ["epochs"], known)) == expected
    assert command_line.read(command_line.without(words, ["skip_broken"], known)) == HParams(filters=8)
    assert overridden(words, ["--skip_broken=no"], known) == ["--filters=8", "--skip_broken=no"]
    assert [argument.name for argument, _ in flag_rules._with_views(View(words), known)] == ["skip_broken", "filters"]
