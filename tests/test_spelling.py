"""Flags that are not there, and what was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import command_line, spelling
from trainer.serving import options
from trainer.study import options as study_options

TASK = command_line.run_flags()


@pytest.mark.parametrize(
    ("typed", "flag"),
    [
        # What other programs call it.
        ("lr", "learning_rate"),
        ("lrate", "learning_rate"),
        ("cuda", "strategy"),
        ("num_epochs", "epochs"),
        ("n-epochs", "epochs"),
        ("output", "job_dir"),
        ("output-dir", "job_dir"),
        ("logdir", "job_dir"),
        ("data_dir", "data"),
        ("dataset", "data"),
        ("img_size", "image_size"),
        ("val_split", "validation_split"),
        ("random_state", "seed"),
        ("num_layers", "depth"),
        ("wd", "weight_decay"),
        ("scheduler", "schedule"),
        ("gpus", "strategy"),
        # The same letters, the beginning of one name, one or two letters more or less.
        ("batchSize", "batch_size"),
        ("Learning-Rate", "learning_rate"),
        ("learning-rate", "learning_rate"),
        ("learn", "learning_rate"),
        ("filtrs", "filters"),
        ("epcohs", "epochs"),
        ("hel", "help"),
        # Nothing like it.
        ("frobnicate", ""),
        ("verbose", "verbose"),
        ("quiet", "quiet"),
        ("silent", "quiet"),
        ("debug", "verbose"),
        ("version", ""),
        ("config", ""),
        ("name", ""),
        ("e", ""),
        ("x", ""),
        ("", ""),
    ],
)
def test_what_was_meant(typed: str, flag: str) -> None:
    assert [spelling.meant(f"{dashes}{typed}", TASK) for dashes in ("--", "-", "")] == 3 * [flag]


def test_each_program_has_its_own_flags() -> None:
    data = ["data", "to", "validation_split", "skip_broken", "shard_megabytes", "cache_dir"]
    assert spelling.meant("output", data) == "to"
    assert spelling.meant("n_trials", study_options.flags()) == "max_trial_count"
    predict = [flag.removeprefix("--") for flag in options.predict_parser()._option_string_actions]
    assert [spelling.meant(typed, predict) for typed in ("topk", "weights", "lr")] == ["top", "model", ""]


def test_every_flag_that_others_name_is_one_of_a_program() -> None:
    serve = [flag.removeprefix("--") for flag in options.serve_parser()._option_string_actions]
    assert {*spelling._OTHERS} <= {*study_options.flags(), *serve, "out", "to", "top"}


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [("", "abc", 3), ("abc", "abc", 0), ("epcohs", "epochs", 1), ("ab", "ba", 1), ("lr", "x", 2)],
)
def test_distance(one: str, other: str, letters: int) -> None:
    assert spelling.distance(one, other) == spelling.distance(other, one) == letters


@given(st.text(st.characters(codec="utf-8"), max_size=12), st.sampled_from(sorted(TASK)))
def test_no_text_is_too_strange(text: str, flag: str) -> None:
    found = spelling.meant(f"--{text}", TASK)
    assert found in {*TASK, "help", ""}
    assert spelling.meant(flag, TASK) == flag
