"""The harness itself, on small documents in a real scratch copy."""

import socket
from pathlib import Path

import pytest

from tests.documents import ports
from tests.documents.scratch import Scratch
from tests.documents.shell import BlockError, Shell

SERVER = (
    "import http.server, sys; server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler);"
    # Before the address is printed: a Ctrl-C that arrives while a file is closed by its finalizer is lost.
    "open('address', 'w').write('http://127.0.0.1:%d' % server.server_port);"
    "print('serves http://127.0.0.1:%d' % server.server_port, flush=True);"
    "server.serve_forever()"
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("scratch"))


def _run(scratch: Scratch, folder: Path, *blocks: tuple[str, str], limit: float = 60.0) -> None:
    document = folder / "README.md"
    document.write_text("# Title\n" + "".join(f"```{tag}\n{content}\n```\n" for tag, content in blocks))
    Shell(scratch, limit).run(document)


def test_blocks_run_in_order_in_one_folder(scratch: Scratch, tmp_path: Path) -> None:
    _run(
        scratch,
        tmp_path,
        ("sh", "echo one > order"),
        ("text", "exit 1"),
        ("sh account", "exit 1"),
        ("python", "from pathlib import Path\nPath('order').write_text(Path('order').read_text() + 'two')"),
        ("sh", "test \"$(cat order)\" = $'one\\ntwo'\nrm order"),
    )


def test_the_scratch_copy_is_what_a_reader_has(scratch: Scratch, tmp_path: Path) -> None:
    _run(
        scratch,
        tmp_path,
        ("sh", 'test "$(command -v python)" = "$PWD/.venv/bin/python"\n. .venv/bin/activate\nmake help'),
        ("sh", 'test -z "$ARGS$MAKEFLAGS$VIRTUAL_ENV"\ntest -f photos/cat/01.jpg -a -f photos/dog/02.png'),
        ("sh", 'make --question .venv/.run .venv/.dev .venv/.benchmarks\ntest "$HOME" != /root'),
        ("python", "import trainer, pathlib, sys\nassert pathlib.Path(trainer.__file__).parent.parent == pathlib.Path()"
         ".absolute(), trainer.__file__\nassert sys.prefix == str(pathlib.Path('.venv').absolute())"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "content", "told"),
    [
        ("sh", "true\nfalse\ntrue", "README.md:3: ends with status 1"),
        ("sh", "no-such-command", "README.md: line 3: no-such-command: command not found"),
        ("python", "a = 1\nraise ValueError(a)", 'README.md", line 4'),
        ("sh server", "echo up; exit 3", "README.md:3: no address to connect to, of a server that runs\nup"),
        ("sh server", "echo http://127.0.0.1:1/; exit 3", "no address to connect to"),
        ("sh server", f"trap 'exit 5' INT\npython -c \"{SERVER}\" || true", "ends with status 5 after Ctrl-C"),
    ],
)
def test_a_block_that_fails_is_told_with_its_line_and_output(
    tag: str, content: str, told: str, scratch: Scratch, tmp_path: Path
) -> None:
    with pytest.raises(BlockError) as error:
        _run(scratch, tmp_path, (tag, content))
    assert told in str(error.value)


def test_a_block_without_end_is_told(scratch: Scratch, tmp_path: Path) -> None:
    with pytest.raises(BlockError, match="README.md:3: takes more than 3 s\nbefore"):
        _run(scratch, tmp_path, ("sh", "echo before\nsleep 60"), limit=3.0)


def test_a_server_runs_until_the_next_one(scratch: Scratch, tmp_path: Path) -> None:
    reached = "python -c \"import urllib.request as r; r.urlopen(open('address').read())\""
    _run(
        scratch,
        tmp_path,
        ("sh server", f'python -c "{SERVER}"'),
        ("sh", f"{reached}\ncp address first"),
        ("sh server", f'python -c "{SERVER}"'),
        ("sh", f"{reached}\nif cp first address && {reached} 2>/dev/null; then exit 1; fi"),
    )


def test_a_server_that_dies_is_told(scratch: Scratch, tmp_path: Path) -> None:
    with pytest.raises(BlockError, match="README.md:3: the server has ended with status 7"):
        _run(
            scratch,
            tmp_path,
            ("sh server", f'echo $$ > shell\npython -c "{SERVER}" &\necho $! > server\nwait $! || exit 7'),
            ("sh", "kill $(cat server)\nuntil grep --quiet '(bash) Z' /proc/$(cat shell)/stat; do sleep 0.05; done"),
        )


def test_a_download_has_a_stand_in(scratch: Scratch, tmp_path: Path) -> None:
    load = (
        "import keras\nfor name in ('mnist', 'fashion_mnist'):\n"
        "  (x, y), _ = getattr(keras.datasets, name).load_data()\n  assert x.shape == (1500, 28, 28), x.shape"
    )
    _run(scratch, tmp_path, ("sh download", f"python - <<'END'\n{load}\nEND"))


def test_nothing_is_installed(scratch: Scratch, tmp_path: Path) -> None:
    _run(scratch, tmp_path, ("sh", "pip install --no-index --quiet numpy\ntest $PIP_DRY_RUN = 1"))


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ("python -m trainer.serve --model=a", {8080}),
        ("python -m trainer.serve --model=a --port=8081", {8081}),
        ("make tensorboard", {6006}),
        ("python server.py", set()),
    ],
)
def test_ports_that_a_server_will_have(commands: str, expected: set[int]) -> None:
    assert ports.named(commands) == expected


def test_rejects_a_port_that_is_not_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} must be free"), ports.taken({port}):
            pass
