import pytest

from trainer.errors import UsageError
from trainer.study import options
from trainer.study.options import Options


@pytest.mark.parametrize(
    ("arguments", "chosen", "rest", "hparams"),
    [
        ([], {}, [], {}),
        (["--config", "a.yaml", "--watch"], {"config": "a.yaml", "watch": True}, [], {}),
        (["--max-trial-count=3", "--data=digits"], {"max_trial_count": 3}, ["--data=digits"], {"data": "digits"}),
        (
            ["--epochs", "2", "--isolation=process", "--job_dir", "x"],
            {"isolation": "process"},
            ["--epochs", "2", "--job_dir", "x"],
            {"epochs": 2, "job_dir": "x"},
        ),
        (["--skip-broken", "--filters=8"], {}, ["--skip_broken", "--filters=8"], {"skip_broken": "yes", "filters": 8}),
        (["--job-dir", "--watch", "--dry-run"], {"dry_run": True}, ["--job_dir", "--watch"], {"job_dir": "--watch"}),
        (["--target=labels", "--target=local"], {"target": "local"}, ["--target=labels"], {"target": "labels"}),
        (["-watch", "-epochs=2", "--"], {"watch": True}, ["-epochs=2"], {"epochs": 2}),
        (["--stop=none", "--budget=1.5h"], {"stop": "none", "budget": "1.5h"}, [], {}),
        (["--watch", "--nowatch", "--dry_run=TRUE", "--spot", "no"], {"dry_run": True, "spot": "no"}, [], {}),
    ],
)
def test_reads(arguments: list[str], chosen: dict[str, object], rest: list[str], hparams: dict[str, object]) -> None:
    assert options.read(arguments) == (Options(**chosen), rest, hparams)  # type: ignore[arg-type]


def test_leaves_to_the_file_what_a_flag_goes_with() -> None:
    arguments = ["--weights=imagenet", "--unfreeze=2"]
    assert options.read(arguments) == (Options(), arguments, {"weights": "imagenet", "unfreeze": "2"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--confg=a"], "`--confg` is not a flag. Did you mean --config?"),
        (["--filtrs=3"], "`--filtrs` is not a flag. Did you mean --filters?"),
        (["--target=mars"], "`--target` must be one of local, vertex. Received: mars"),
        (["--max_trial_count=x"], "`--max_trial_count` must be a whole number of at least 0. Received: x"),
        (["--max_trial_count=-1"], "`--max_trial_count` must be a whole number of at least 0. Received: -1"),
        (["--stop=never"], "`--stop` must be one of auto, config, none. Received: never"),
        (
            ["--budget=0m"],
            "`--budget` must be a time in seconds, minutes or hours, as in 600, 90s, 10m or 1.5h. Received: 0m",
        ),
        (
            ["--budget=10 minutes"],
            "`--budget` must be a time in seconds, minutes or hours, as in 600, 90s, 10m or 1.5h. Received: 10 minutes",
        ),
        (["--watch=maybe"], "`--watch` must be true or false. Received: maybe"),
        (["--nowatch=true"], "`--nowatch` must have no value. Received: true"),
        (["--config"], "`--config` must be given a value, as in --config=…. Received: nothing"),
        (["--", "--watch"], "every argument must be a flag, as in --data=digits. Received: --watch"),
        (["--epochs=-1"], "`--epochs` must be auto, or a whole number of at least 0. Received: -1"),
        (["config.yaml"], "every argument must be a flag, as in --data=digits. Received: config.yaml"),
    ],
)
def test_rejects(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        options.read(arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("budget", "seconds"),
    [("", 0), ("600", 600), ("90s", 90), ("10m", 600), ("1.5h", 5400), (".5m", 30), ("10.m", 600)],
)
def test_a_budget_is_in_seconds(budget: str, seconds: float) -> None:
    assert options.read([f"--budget={budget}"] if budget else [])[0].seconds == seconds


def test_help_names_every_option() -> None:
    text = options.help_text("program")
    for name in Options.__dataclass_fields__:
        assert f"  --{name} " in text
    assert max(map(len, text.splitlines())) <= 100
    assert max(map(len, options.help_text("program", 80).splitlines())) <= 80


def test_the_command_line_may_have_the_flags_of_ones_own_network() -> None:
    model = "benchmarks.own_networks:branches"
    _, words, values = options.read(["--config=c.yaml", f"--model={model}", "--width=16", "--dry_run", "--blocks", "3"])
    assert words == [f"--model={model}", "--width=16", "--blocks", "3"]
    assert values == {"model": model, "width": 16, "blocks": 3}
    with pytest.raises(UsageError, match="`--widht` is not a flag. Did you mean --width"):
        options.read(["--config=c.yaml", f"--model={model}", "--widht=16"])
