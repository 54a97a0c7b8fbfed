import pytest

from trainer import command_line as flags
from trainer.errors import UsageError
from trainer.hparams import HParams


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
        (["--skip-broken", "--epochs=2"], {"skip_broken": "yes", "epochs": 2}),
        (["--skip_broken=no"], {}),
    ],
)
def test_reads(arguments: list[str], values: dict[str, object]) -> None:
    assert flags.read(arguments) == HParams(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--filtrs=3"], "`--filtrs` is no flag. Did you mean --filters?"),
        (["--learning-rat=3"], "`--learning_rat` is no flag. Did you mean --learning_rate?"),
        (["--hel"], "`--hel` is no flag. Did you mean --help?"),
        (["--filters=32.5"], "`--filters` must be a whole number. Received: 32.5"),
        (["--epochs=abc"], "`--epochs` must be a whole number. Received: abc"),
        (["--epochs=0"], "`--epochs` must be at least 1. Received: 0"),
        (["--batch_size=-4"], "`--batch_size` must be at least 1. Received: -4"),
        (["--epochs"], "`--epochs` must be given a value, as in --epochs=…. Received: nothing"),
        (["digits"], "every argument must be a flag, as in --data=digits. Received: digits"),
        ([""], "every argument must be a flag, as in --data=digits. Received: ''"),
    ],
)
def test_rejects(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        flags.read(arguments)
    assert str(error.value) == message


def test_help_names_every_flag_with_its_default() -> None:
    text = flags.help_text("program")
    for name, default in HParams().configuration().items():
        assert f"  --{name} " in text
        assert f"default {default})" in text
    assert max(map(len, text.splitlines())) <= 100
