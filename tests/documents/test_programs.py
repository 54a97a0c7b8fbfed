import pytest

from tests.documents.programs import Programs
from tests.documents.scratch import ROOT

PROGRAMS = Programs(ROOT)


def _problems(script: str) -> list[str]:
    return [problem for command in PROGRAMS.commands(script) for problem in PROGRAMS.problems(command)]


def test_finds_every_command() -> None:
    script = (
        "# it's\nA=1 python -m trainer.task \\\n  --filters=2 | tee log && make 'a b'\n"
        "gcloud ai create --config=/dev/stdin <<'YAML'\npython -m nothing\nYAML\necho 'one\ntwo'; cd x  # end\n"
    )
    assert [command for command in PROGRAMS.commands(script) if command] == [
        ["A=1", "python", "-m", "trainer.task", "--filters=2"],
        ["tee", "log"],
        ["make", "a b"],
        ["gcloud", "ai", "create", "--config=/dev/stdin"],
        ["YAML"],
        ["echo", "one\ntwo"],
        ["cd", "x"],
    ]


@pytest.mark.parametrize(
    "script",
    [
        "python -m trainer.study --target=vertex --project=P --region=R --bucket=B --dry_run --filters=64",
        "A=b .venv/bin/python -m trainer.task --job-dir=gs://b/run --data=gs://b/i --skip_broken",
        "make submit PROJECT=p REGION=r BUCKET=b ARGS=--dry_run\nmake image",
        "python -m trainer.tensorboard --logdir=gs://b/run --port=6007 --bind_all",
        "python -m trainer.serve --model=gs://b/model --port=8081; python -m trainer.predict --model=m --top=3 photos",
        "python -m trainer.data --data=photos --to=shards --skip_broken=yes",
        "python -m trainer.local_cluster --workers=3 --data=digits",
        "python -m benchmarks.input --only=rate\npython -m pytest --anything\ngcloud --any",
        "python -m trainer.task --help",
    ],
)
def test_takes_what_its_program_takes(script: str) -> None:
    assert _problems(script) == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("python -m trainer.study --targt=vertex", "`--targt` is not a flag. Did you mean --target?"),
        ("python -m trainer.study --target=cloud", "`--target` must be one of local, vertex. Received: cloud"),
        ("true && python -m trainer.task --filters=none", "`--filters` must be a whole number. Received: none"),
        ("python -m trainer.serve --modal=m", "`--modal` is not a flag. Did you mean --model?"),
        ("python -m trainer.data --dta=photos", "`python -m trainer.data`: `--dta` is no flag"),
        ("python -m trainer.tensorboard --logdri=a", "`--logdri` is no flag"),
        ("python -m trainer.tasks", "`python -m trainer.tasks` must be a program of this project"),
        ("make subnit", "`make subnit` must be a target of the Makefile"),
        ("make study ARGS='--epoch=2'", "`--epoch` is no flag"),
    ],
)
def test_rejects_what_its_program_refuses(script: str, told: str) -> None:
    (problem,) = _problems(script)
    assert told in problem
