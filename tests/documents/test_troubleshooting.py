"""Every message that docs/troubleshooting.md quotes is one that the programs print."""

from pathlib import Path

import pytest

from tests.documents import cloud_messages, run_messages, start_messages
from tests.documents.messages import Source, pattern, quoted
from tests.documents.scratch import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
QUOTED = quoted(PAGE)
PROVOCATIONS = start_messages.PROVOCATIONS | run_messages.PROVOCATIONS | cloud_messages.PROVOCATIONS
SOURCE = Source(ROOT / "trainer")
# The words of Python, TensorFlow and make, and those that the source puts together in other ways.
PROVOKED = {
    "make: PYTHON must be ": "make",
    "Error while finding ": "no trainer",
    "ModuleNotFoundError: No module named 'trainer'": "no trainer, imported",
    "oneDNN ": "oneDNN",
    "Could not find cuda ": "GPU",
    "This TensorFlow binary ": "instructions",
    "`--data` must have an image ": "few",
    "‹file›:‹line›: `‹field›` must be val_accuracy": "metric",
    "‹file›:‹line›: `‹field›` must be under conditionalParameterSpecs of model": "misplaced",
    "‹file›:‹line›: `‹field›` must be a parameter under": "misplaced argument",
    "‹file›:‹line›: `‹field›` must be a flag that goes with": "another network's",
    "‹file›:‹line›: `‹field›` must be under conditionalParameterSpecs of ‹flag›": "frozen",
    "killed by ": "killed",
}


@pytest.mark.parametrize("name", PROVOCATIONS)
def test_a_message_on_the_screen_is_in_the_document(name: str, tmp_path: Path) -> None:
    line = PROVOCATIONS[name](tmp_path)
    assert [message for message in QUOTED if pattern(message).fullmatch(line)], line


@pytest.mark.parametrize("message", QUOTED)
def test_a_message_in_the_document_is_the_programs(message: str, tmp_path: Path) -> None:
    provocation = next((name for start, name in PROVOKED.items() if message.startswith(start)), None)
    if provocation:
        assert pattern(message).fullmatch(PROVOCATIONS[provocation](tmp_path))
    else:
        assert SOURCE.says(message)


@pytest.mark.parametrize(
    "message",
    [
        "`--job_dir` must be a folder that no other process trains into. Received: ‹folder›",
        "stopped; the same command with its --job_dir resumes from the last checkpoints",
        "the loss was ‹nan or inf› at step ‹number›; gradient norms: ‹layers›; before: ‹values›",
        "something else altogether ‹reason›",
    ],
)
def test_rejects_a_message_that_no_program_has(message: str) -> None:
    assert not SOURCE.says(message)
