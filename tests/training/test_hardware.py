import json
import os

import pytest

from trainer.training import hardware


def test_describes_this_machine_in_plain_values() -> None:
    found = hardware.describe({"XLA_FLAGS": "--none"})
    assert json.loads(json.dumps(found)) == found
    assert found["cpu"]
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert found["variables"] == {"XLA_FLAGS": "--none"}


@pytest.mark.parametrize(("asked", "more"), [("3", 3), ("0", None), ("", None), ("many", None)])
def test_the_threads_are_those_asked_for_else_one_for_each_core(asked: str, more: int | None) -> None:
    found = hardware.describe({"TF_NUM_INTRAOP_THREADS": asked})
    assert found["threads"] == (more or found["cores"])
