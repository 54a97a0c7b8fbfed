import ast
import dataclasses
import re
import subprocess
import sys

from tests.documents import flag_lists
from tests.documents.flags_page import PAGE, ROOT, VARIABLES, page
from trainer.hparams import HParams
from trainer.study.options import Options

# Written for others, and read by none of the programs.
WRITTEN = {"CLOUD_ML_JOB_ID"}


def test_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/flags.md is out of date: make flags writes it"


def test_is_written_by_one_command_without_tensorflow() -> None:
    program = (
        "import sys; from tests.documents.flags_page import page; page()\n"
        "sys.exit(str([name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == "[]\n"


def test_has_every_flag_with_an_anchor() -> None:
    written = page()
    for program, kind in (("task", HParams), ("study", Options)):
        for name in (field.name for field in dataclasses.fields(kind)):
            assert f'<a id="{program}-{name}"></a>`--{name}`' in written


def test_reads_what_programs_define() -> None:
    found = {flag.name: flag for flag in flag_lists.flags(ROOT, "trainer.data")}
    assert [*found] == [
        "data", "to", "validation_split", "skip_broken", "rank", "shard_megabytes", "cache_dir", "suspects", "job_dir",
    ]  # fmt: skip
    assert found["shard_megabytes"].default == "`100`"
    assert found["skip_broken"].rule == "`no`, `yes`"
    assert [flag.name for flag in flag_lists.flags(ROOT, "trainer.predict")] == [
        "model", "cache_dir", "top", "json", "batch_size", "explain",
    ]  # fmt: skip


def test_has_every_variable_that_a_program_reads() -> None:
    pattern = re.compile(r"(AIP|CLOUD_ML|CLOUDSDK|CLUSTER|TF|TPU)_[A-Z_]+")
    said = {name for group in VARIABLES.values() for name in group}
    for path in (ROOT / "trainer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.fullmatch(node.value):
                assert node.value in said | WRITTEN, path


def test_reads_well_on_github() -> None:
    for line in page().splitlines():
        assert not re.search(r"<(?!a id=|/a>)", re.sub(r"`[^`]*`", "", line)), "GitHub drops what it takes for a tag"
        assert line.startswith("|") or len(line) <= 120
