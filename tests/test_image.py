"""What the Dockerfile says, and the image that it makes."""

import base64
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from container.builder import choose
from tests.documents import blocks

ROOT = Path(__file__).parents[1]
FREE = 14 << 30  # bytes that building the image takes at its largest, and some more

Stage = list[tuple[str, str]]  # instructions, each with what follows it


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    """The Dockerfile's stages by name, the last one as "image"; what comes before the first one as "before"."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    name, found = "before", dict[str, Stage]()
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            name = rest.partition(" AS ")[2] or "image"
        if instruction:
            found.setdefault(name, []).append((instruction, rest))
    return found


def _all(stage: Stage, instruction: str) -> list[str]:
    return [rest for name, rest in stage if name == instruction]


def test_begins_with_an_exact_version_that_can_be_replaced(stages: dict[str, Stage]) -> None:
    assert re.fullmatch(r"BASE_IMAGE=python:3\.\d+\.\d+-slim-[a-z]+", *_all(stages["before"], "ARG"))
    begins = {name: rest for name, stage in stages.items() for rest in _all(stage, "FROM")}
    assert begins == {
        "tools": "${BASE_IMAGE} AS tools",
        "dependencies": "tools AS dependencies",
        "package": "tools AS package",
        "image": "${BASE_IMAGE}",
    }
    assert list(stages)[-1] == "image"


def test_dependencies_stay_while_the_package_changes(stages: dict[str, Stage]) -> None:
    sources = [copied for name in ("tools", "dependencies") for copied in _all(stages[name], "COPY")]
    assert sources == ["constraints.txt ./", "setup.py ./"]
    copied = _all(stages["image"], "COPY")
    assert copied == [
        "--from=tools /etc/passwd /etc/group /etc/",
        "--from=tools /home /home",
        "--from=dependencies /opt/trainer /opt/trainer",
        "--from=package /package /opt/trainer",
        "config.networks.yaml config.yaml ./",
    ]
    installs = [run for stage in stages.values() for run in _all(stage, "RUN") if "pip install" in run]
    assert all("--constraint=constraints.txt" in run or "--no-index --no-deps" in run for run in installs)


def test_the_image_gets_no_tools_and_no_rights(stages: dict[str, Stage]) -> None:
    words = (ROOT / "Dockerfile").read_text()
    assert "apt-get" not in words
    assert not any(_all(stage, "ADD") for stage in stages.values())
    assert not any(_all(stage, "HEALTHCHECK") for stage in stages.values())
    assert not _all(stages["image"], "RUN")  # which would leave a mark of what the builder lends
    assert _all(stages["image"], "USER") == ["1000"]
    last = [instruction for instruction, _ in stages["image"]][-3:]
    assert last == ["USER", "EXPOSE", "ENTRYPOINT"]


def test_trains_unless_it_is_told_otherwise_and_may_serve(stages: dict[str, Stage]) -> None:
    from trainer.serving.options import Options

    (entry,) = _all(stages["image"], "ENTRYPOINT")
    assert json.loads(entry) == ["python", "-m", "trainer.task"]
    assert _all(stages["image"], "EXPOSE") == [str(Options.port)]
    assert _all(stages["dependencies"], "ARG") == ["EXTRAS=serve"]


def test_labels_say_what_setup_says(stages: dict[str, Stage]) -> None:
    (labels,) = _all(stages["image"], "LABEL")
    said = dict(pair.split("=", 1) for pair in shlex.split(labels))
    assert {name.removeprefix("org.opencontainers.image.") for name in said} == {
        *("title", "description", "version", "licenses", "base.name"),
    }
    setup = (ROOT / "setup.py").read_text()
    for name in ("version", "licenses"):
        value = said[f"org.opencontainers.image.{name}"]
        assert re.search(rf'^    {name.removesuffix("s")}\w*="{re.escape(value)}",', setup, re.MULTILINE)


def test_a_builder_sees_what_is_copied_and_nothing_else(stages: dict[str, Stage]) -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    copied = [rest.split()[:-1] for stage in stages.values() for rest in _all(stage, "COPY") if "--from" not in rest]
    assert lines[0] == "*"  # runs, data, secrets, history
    assert {line[1:] for line in lines if line.startswith("!")} == {source for sources in copied for source in sources}
    assert lines[-1] == "**/__pycache__"


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, check=True)


class Container:
    """A container of the image that was built, for what is written with docker to be run by buildah.

    Attributes:
      command: buildah, with what each call of it needs.
      name: the container's.
      variables: buildah's environment, which says where it keeps images.
    """

    def __init__(self, command: tuple[str, ...], name: str, variables: dict[str, str]) -> None:
        self.command = command
        self.name = name
        self.variables = variables

    def start(self, *program: str, options: Iterable[str] = ()) -> "subprocess.Popen[str]":
        """Starts a program in the container."""
        whole = [*self.command, "run", "--isolation=chroot", *options, self.name, "--", *program]
        return subprocess.Popen(
            whole,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *program: str, options: Iterable[str] = (), status: int = 0) -> str:
        """Runs a program in the container to its end and returns what it printed."""
        process = self.start(*program, options=options)
        said, errors = process.communicate(timeout=300)
        assert process.returncode == status, said + errors
        return said

    def docker(self, line: str, folder: Path) -> tuple[list[str], list[str]]:
        """Returns the program and the options of a line `docker run …`, typed in a folder by user 1234."""
        words = shlex.split(line.replace("$(id -u)", "1234").replace("$PWD", str(folder)))
        assert words[:3] == ["docker", "run", "--rm"]
        image = words.index("trainer")
        options = dict(
            word.split("=", 1) for word in words[3:image] if not word.startswith("--publish=")
        )  # shares our host
        entry = [options.pop("--entrypoint")] if "--entrypoint" in options else ["python", "-m", "trainer.task"]
        assert set(options) == {"--user", "--volume"}
        return [*entry, *words[image + 1 :]], [f"{name}={value}" for name, value in options.items()]


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A container of what `make image BASE_IMAGE=debootstrap` builds, kept apart from this machine's images."""
    if os.geteuid() != 0 or not shutil.which("buildah") or not shutil.which("debootstrap"):
        pytest.skip("needs root, buildah and debootstrap")
    for kept in (tempfile.gettempdir(), "/var/tmp"):  # the image's layers, and buildah's copy of the one being written
        if shutil.disk_usage(kept).free < FREE:
            pytest.skip(f"needs {FREE >> 30} GiB free in {kept}")
    folder = tmp_path_factory.mktemp("images")
    conf = folder / "storage.conf"
    conf.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n')
    variables = {**os.environ, "CONTAINERS_STORAGE_CONF": str(conf)}

    def said(*command: str) -> str:
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout

    builder = choose(
        "buildah",
        lambda command: subprocess.run(command, env=variables, capture_output=True, check=False).returncode,
        True,
    )
    assert builder, "buildah does not work here"
    try:
        built = said("make", "image", "BASE_IMAGE=debootstrap", "ARGS=--tag=trainer:test", f"PYTHON={sys.executable}")
        print(built[built.rindex("image: built") :])  # its size
        yield Container(builder.command, said(*builder.command, "from", "trainer:test").strip(), variables)
    finally:
        for removing in (["rm", "--all"], ["rmi", "--all", "--force"]):
            subprocess.run([*builder.command, *removing], env=variables, capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_holds_what_runs_and_nothing_of_how_it_was_made(container: Container) -> None:
    assert container.run("sh", "-c", "id --user; id --user --name; pwd").split() == ["1000", "trainer", "/home/trainer"]
    assert container.run("sh", "-c", "ls").split() == ["config.networks.yaml", "config.yaml"]
    assert (
        container.run("sh", "-c", "command -v gcc cc make pip; ls -A /tmp /source /package 2>/dev/null", status=2)
        == "/tmp:\n"
    )
    assert container.run("find", "/etc", "/opt", "-name", "pip*", "-path", "*[!g]/pip*", "-maxdepth", "2") == ""
    assert container.run("ls", "/opt").split() == ["trainer"]
    modules = container.run(
        "find", "/opt/trainer", "-path", "*/trainer/run/train.py", "-o", "-path", "*/trainer/*/train.*.pyc"
    )
    assert len(modules.split()) == 2  # the source and what it was compiled to


@pytest.mark.slow
def test_trains_tunes_and_serves_as_the_document_says(container: Container, tmp_path: Path) -> None:
    lines = [
        line
        for block in blocks.read(ROOT / "docs" / "image.md")
        if block.tag == "sh image"
        for line in block.content.replace("\\\n", "").splitlines()
    ]
    train, tune, serve = [container.docker(line, tmp_path) for line in lines if line.startswith("docker run ")]
    others = [line.partition("=")[0] for line in lines if not line.startswith("docker run ")]
    assert others == ["make image", "mkdir -p runs", "make image ARGS"]  # the first one made this container
    (tmp_path / "runs").mkdir()
    os.chown(tmp_path / "runs", 1234, 1234)  # for tests of buildah are root's

    assert "test accuracy" in container.run(*train[0], options=train[1])
    container.run(*tune[0], options=tune[1])
    assert len(json.loads((tmp_path / "runs" / "study" / "study.json").read_text())["trials"]) == 2

    server = container.start(*serve[0], "--port=0", options=serve[1])
    try:
        assert server.stdout
        line = server.stdout.readline()
        port = re.match(r"listens on http://0\.0\.0\.0:(\d+)/predict$", line)
        assert port, line
        image = io.BytesIO()
        Image.new("L", (28, 28)).save(image, "png")
        body = json.dumps({"instances": [{"b64": base64.b64encode(image.getvalue()).decode()}]}).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/predict", body, timeout=60) as answer:
            (prediction,) = json.load(answer)["predictions"]
        assert len(prediction["probabilities"]) == 10
    finally:
        server.terminate()
        server.communicate(timeout=60)
    assert {path.stat().st_uid for path in (tmp_path / "runs").rglob("*")} == {1234}


@pytest.mark.slow
def test_saves_when_it_is_stopped(container: Container) -> None:
    stopping = (
        '"$@" & while kill -0 $! && ! [ -e stopped/checkpoints/latest.json ]; do sleep 0.1; done; kill $!; wait $!'
    )
    task = ("python", "-m", "trainer.task", "--data=digits", "--epochs=500", "--job_dir=stopped")
    container.run("sh", "-c", stopping, "sh", *task, status=143)
