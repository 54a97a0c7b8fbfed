import dataclasses

import pytest

from trainer.errors import UsageError
from trainer.hparams import UNTIL_BEST, HParams, parse, rule_of

FIELDS = {field.name: field for field in dataclasses.fields(HParams)}


def test_every_default_obeys_its_own_rule_and_has_help() -> None:
    for name, field in FIELDS.items():
        assert rule_of(field).allows(field.default), name
        assert rule_of(field).help


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        HParams().filters = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("filters", "32", 32),
        ("filters", "32.0", 32),
        ("filters", "1e2", 100),
        ("dropout", "0", 0.0),
        ("data", "x", "x"),
        ("epochs", "20", 20),
        ("epochs", "20.0", 20),
        ("epochs", "auto", UNTIL_BEST),
    ],
)
def test_parses(name: str, text: str, value: object) -> None:
    parsed = parse(FIELDS[name], text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("text", ["32.5", "abc", "", "nan", "inf", "1e400", "0x10", "3 4"])
def test_rejects_text_that_is_no_whole_number(text: str) -> None:
    with pytest.raises(UsageError, match=r"^`--filters` must be a whole number\. Received: "):
        parse(FIELDS["filters"], text)


@pytest.mark.parametrize("text", ["Auto", "-1", "-1.0", "2.5", ""])
def test_rejects_epochs_that_are_neither_auto_nor_a_number(text: str) -> None:
    with pytest.raises(UsageError, match=r"^`--epochs` must be auto, or a whole number of at least 0\. Received: "):
        parse(FIELDS["epochs"], text)


def test_a_configuration_has_the_word_that_the_user_gave() -> None:
    assert HParams(epochs=UNTIL_BEST).configuration()["epochs"] == "auto"
    assert HParams(epochs=20).configuration()["epochs"] == 20


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"filters": 0}, "`--filters` must be at least 1. Received: 0"),
        ({"depth": 17}, "`--depth` must be at least 1 and at most 16. Received: 17"),
        ({"dropout": 1.0}, "`--dropout` must be at least 0 and below 1. Received: 1.0"),
        ({"learning_rate": float("nan")}, "`--learning_rate` must be at least 1e-12. Received: nan"),
        ({"learning_rate": float("inf")}, "`--learning_rate` must be at least 1e-12. Received: inf"),
        ({"padding": "smae"}, "`--padding` must be one of same, valid, causal. Received: smae"),
        ({"filters": 32.0}, "`--filters` must be a whole number. Received: 32.0"),
        ({"filters": True}, "`--filters` must be a whole number. Received: True"),
        ({"data": 3}, "`--data` must be text. Received: 3"),
        ({"patience": 3}, "`--patience` must be used with `--epochs=auto`. Received: nothing"),
        ({"patience": 3, "epochs": 9}, "`--patience` must be used with `--epochs=auto`. Received: --epochs=9"),
        ({"epochs": UNTIL_BEST, "patience": -1}, "`--patience` must be at least 0. Received: -1"),
        ({"export": "first"}, "`--export` must be one of last, best. Received: first"),
        ({"seed": 2**31}, "`--seed` must be at least 0 and at most 2147483647. Received: 2147483648"),
    ],
)
def test_rejects_values_that_break_their_rule(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as error:
        HParams(**values)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_where_a_run_goes_is_no_part_of_its_configuration() -> None:
    assert HParams(job_dir="a").configuration() == HParams(job_dir="b").configuration()
    assert HParams(seed=1).configuration() != HParams(seed=2).configuration()
