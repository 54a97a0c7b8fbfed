"""The flags of a user's own network, from the signature of its function."""

import dataclasses
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trainer import command_line, own_flags
from trainer.errors import UsageError
from trainer.hparams import HParams, rule_of

Module = Callable[[str], str]  # the source of a module to its name

_NUMBERS = itertools.count()

_BUILD = '''\
from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import nothing_of_that_name

Size = Literal["small", "large"]


def build(
    input_shape,
    classes,
    width: int = 8,
    *,
    rate: float = 0,
    size: Size = "small",
    taps: Literal[3, 5] = 3,
    deep: bool = True,
    filters: str = "4,8",
    **own,
) -> nothing_of_that_name.Model:
    """Returns what it is given.

    Args:
      input_shape: of a sample.
      width (int): units of the hidden
        layer.
      rate: what is dropped.

    Returns:
      other: not an argument.
    """
    return locals()


def reordered(classes, input_shape, /, *, width: "int | float" = 2):
    return input_shape, classes, width
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Module]:
    """Writes modules into the current folder, which are forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = []

    def write(source: str) -> str:
        names.append(f"own_network_{next(_NUMBERS)}")
        Path(f"{names[-1]}.py").write_text(source, encoding="utf-8")
        return names[-1]

    yield write
    for name in names:
        sys.modules.pop(name, None)


def test_arguments_are_flags_of_their_types(module: Module) -> None:
    model = f"{module(_BUILD)}:build"
    default = command_line.read([f"--model={model}"])
    assert {name: default.configuration()[name] for name in ("width", "rate", "size", "taps", "deep", "filters")} == {
        "width": 8,
        "rate": 0.0,
        "size": "small",
        "taps": "3",
        "deep": "yes",
        "filters": "4,8",
    }
    words = ["--width", "9", "--deep=no", "--taps=5", "--rate=0.5", "--filters", "6", "--size=large", "--epochs=2"]
    given = command_line.read([*words, f"--model={model}"])
    assert own_flags.call(given, (8, 8, 1), 10) == {
        "input_shape": (8, 8, 1),
        "classes": 10,
        "width": 9,
        "rate": 0.5,
        "size": "large",
        "taps": 5,
        "deep": False,
        "filters": "6",
        "own": {},
    }
    assert command_line.command(given) == (
        "python -m trainer.task "
        f"--rate=0.5 --model={model} --filters=6 --epochs=2 --width=9 --size=large --taps=5 --deep=no"
    )
    assert own_flags.hparams_of(model) is type(given)
    assert dataclasses.replace(given, width=10) != given


def test_given_values_come_by_name_or_place(module: Module) -> None:
    hparams = command_line.read([f"--model={module(_BUILD)}:reordered"])
    assert own_flags.call(hparams, (8, 8, 1), 10) == ((8, 8, 1), 10, 2.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--width=big"], "`--width` must be a whole number. Received: big"),
        (["--size=huge"], "`--size` must be one of small, large. Received: huge"),
        (["--taps=4"], "`--taps` must be one of 3, 5. Received: 4"),
        (["--deep=maybe"], "`--deep` must be one of no, yes. Received: maybe"),
        (["--widht=3"], "`--widht` is not a flag. Did you mean --width?"),
        (
            ["--depth=3"],
            "`--depth` must be used with `--model=convolutional` or `--model=residual`.",
        ),
        (["--own=3"], "`--own` is not a flag."),
    ],
)
def test_rejects_values_by_the_same_rules(module: Module, words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        command_line.read([f"--model={module(_BUILD)}:build", *words])
    assert str(error.value).startswith(message)


def test_help_shows_the_flags_of_the_network_that_is_named(module: Module) -> None:
    text = command_line.help_text("program", ["--model", f"{module(_BUILD)}:build"])
    assert "\n  --width             units of the hidden layer (default 8)\n" in text
    assert "--deep" in text
    assert "(one of no, yes; default yes)" in text
    assert not any(f"  --{name} " in text for name in ("depth", "kernel_size", "own", "classes", "other"))
    assert text.count("\nNetwork\n") == 1
    for model in ("linear", "convolutional", "residual", "MobileNetV3Small", "a.keras"):
        shown = command_line.help_text("program", [f"--model={model}"])
        assert ("  --kernel_size " in shown) == (model == "convolutional")
        assert ("  --dropout " in shown) == (model != "linear")
    assert command_line.help_text("program", ["--model=auto"]) == command_line.help_text("program")
    with pytest.raises(UsageError, match="`--model` must be auto, convolutional"):
        command_line.help_text("program", ["--model=resnet"])


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("input_shape, classes, width", "argument `width` .* must be annotated, .* Received: no annotation"),
        ("input_shape, classes, width: int", "argument `width` .* must have a default, .* Received: none"),
        ("input_shape, classes, width=3", "argument `width` .* must be annotated, as in width: int = 1"),
        ("input_shape, classes, width: list = ()", r"argument `width` .* must be annotated with .* Received: list"),
        ("input_shape, classes, width: list[int] = ()", r"argument `width` .* Received: list\[int\]"),
        ("input_shape, classes, width: 'int | None' = 3", r"argument `width` .* without None\. Received: int \| None"),
        ("input_shape, classes, width: 'in' = 3", "argument `width` .* must be annotated with .* Received: 'in'"),
        ("input_shape, classes, width: 'Absent' = 3", "argument `width` .* Received: 'Absent', NameError"),
        ("input_shape, classes, width: int = None", "argument `width` .* a whole number as its .* Received: None"),
        ("input_shape, classes, width: int = 3.0", r"argument `width` .* a whole number .* Received: 3\.0"),
        ("input_shape, classes, width: int = True", "argument `width` .* a whole number .* Received: True"),
        ("input_shape, classes, rate: float = float('nan')", "argument `rate` .* a finite number .* Received: nan"),
        ("input_shape, classes, deep: bool = 1", "argument `deep` .* True or False as its default"),
        ("input_shape, classes, n: typing.Literal[1, 'a'] = 1", r"argument `n` .* Received: Literal\[1, 'a'\]"),
        ("input_shape, classes, n: typing.Literal[1, 2] = 3", "argument `n` .* one of 1, 2. Received: 3"),
        ("input_shape, classes, *more", r"argument `\*more` .* must be replaced by named arguments"),
        ("input_shape, classes, **more: int", r"argument `\*\*more` .* must be replaced by named arguments"),
        ("input_shape, classes, width: int = 3, /", "argument `width` .* must be passable by name"),
        ("input_shape, classes, epochs: int = 3", "argument `epochs` .* --epochs is a flag of every run"),
        ("input_shape, classes, batch_size: int = 3", "argument `batch_size` .* --batch_size is a flag of every run"),
        ("input_shape, classes, flagfile: str = ''", "argument `flagfile` .* must have another name"),
        ("input_shape, classes, selection: str = ''", "argument `selection` .* must have another name"),
        ("shape, classes", "`--model` must be a function of input_shape and classes, .*, without input_shape"),
        ("input_shape", "`--model` must be a function of input_shape and classes, .*, without classes"),
        ("**own", "`--model` must be a function of input_shape and classes, .*, without input_shape"),
    ],
)
def test_rejects_arguments_that_cannot_be_flags(module: Module, signature: str, message: str) -> None:
    name = module(f"import typing\n\n\ndef build({signature}): ...\n")
    model = f"{name}:build"
    with pytest.raises(UsageError, match=message) as error:
        command_line.read([f"--model={model}"])
    assert model in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("import no_such_module", "build", r"must be importable. Received: {}:build \({}.py, line 1: ModuleNotFoundEr"),
        ("\n\n1 / 0", "build", r"must be importable. Received: {}:build \({}.py, line 3: ZeroDivisionError: division"),
        ("def build(:", "build", r"must be importable. Received: {}:build \({}.py, line 1: SyntaxError: "),
        ("raise SystemExit(3)", "build", r"must be importable. Received: {}:build \({}.py, line 1: SystemExit: 3\)"),
        ("import json\njson.loads('')", "build", r"must be importable. .* \({}.py, line 2: JSONDecodeError: "),
        ("def build(): ...", "buidl", r"must name a function of its module. .* has no buidl; did you mean {}:build\?"),
        ("class Net: ...", "Net", "must name a function. Received: {}:Net, which is a class"),
        ("net = 3", "net", "must name a function. Received: {}:net, which is of type int"),
    ],
)
def test_rejects_what_cannot_be_imported(module: Module, source: str, name: str, message: str) -> None:
    written = module(source)
    with pytest.raises(UsageError, match="`--model` " + message.replace("{}", written)) as error:
        command_line.read([f"--model={written}:{name}"])
    assert "\n" not in str(error.value)


def test_rejects_a_module_that_is_not_there(module: Module) -> None:
    written = module("")
    Path("pack").mkdir()
    Path("pack/mine.py").write_text("import pack.other")
    for name, said in (
        (f"{written}s", f"there is no module {written}s; did you mean {written}?"),
        ("absent.mine", "there is no module absent"),
        ("pack.mien", "there is no module pack.mien; did you mean pack.mine?"),
        ("pack.mine.build", "pack/mine.py, line 1: ModuleNotFoundError: No module named 'pack.other'"),
    ):
        with pytest.raises(UsageError) as error:
            command_line.read([f"--model={name}:build"])
        assert said in str(error.value)
    sys.modules.pop("pack", None)


def test_its_sources_are_the_modules_of_the_project_that_it_imports(tmp_path: Path, module: Module) -> None:
    package = tmp_path / f"package{next(_NUMBERS)}"
    (package / "parts").mkdir(parents=True)
    name = package.name
    files = {
        "__init__.py": "",
        "mine.py": f"import json\nimport keras\nfrom . import blocks\nfrom {name}.parts import head as h\n"
        "from trainer import hparams\ndef build(input_shape, classes): ...",
        "blocks.py": "def late():\n    from .parts.late import value",
        "parts/__init__.py": "",
        "parts/head.py": "",
        "parts/late.py": "",
        "unused.py": "",
    }
    for file, text in files.items():
        (package / file).write_text(text)
    found = own_flags.sources(f"{name}.mine:build")
    assert [*found] == sorted(f"{name}/{file}" for file in files if file != "unused.py")
    assert all(len(checksum) == 64 for checksum in found.values())
    assert own_flags.sources("convolutional") == {}


def test_other_networks_have_no_flags_of_their_own() -> None:
    for model in ("auto", "convolutional", "MobileNetV3Small", "a.keras", "", "a:", "a-b:c"):
        assert own_flags.hparams_of(model) is HParams
    assert not own_flags.fields_of(HParams())
    assert all(rule_of(field).networks != ("package.module:function",) for field in dataclasses.fields(HParams))
