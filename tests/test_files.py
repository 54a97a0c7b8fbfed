"""`trainer.files`: a file is the former content or the new one, whatever ends the write."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import files
from trainer.errors import UsageError

MEBIBYTE = 1 << 20


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_writes_its_parts_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a"
    files.replace(path, "é", b"\0\n", memoryview(b"xyz")[1:])
    assert path.read_bytes() == "é".encode() + b"\0\nyz"
    assert _names(tmp_path) == {"a"}


def test_without_content_is_an_empty_file(tmp_path: Path) -> None:
    files.replace(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b""


@pytest.mark.parametrize("durable", [False, True])
def test_takes_the_name_of_the_former_content(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a"
    files.replace(path, "former")
    with path.open() as reader:
        files.replace(path, "new", durable=durable)
        assert reader.read() == "former"  # a reader keeps what it has opened
    assert path.read_text() == "new"
    assert _names(tmp_path) == {"a"}


def test_writes_to_another_partial(tmp_path: Path) -> None:
    partial = tmp_path / ".other"
    partial.mkdir()
    with pytest.raises(IsADirectoryError) as raised:
        files.replace(tmp_path / "a", "new", partial=partial)
    assert raised.value.filename == str(partial)
    partial.rmdir()
    files.replace(tmp_path / "a", "new", partial=partial)
    assert _names(tmp_path) == {"a"}


@pytest.mark.parametrize("durable", [False, True])
def test_a_full_disk_leaves_the_former_content_and_no_partial(tmp_path: Path, durable: bool) -> None:
    """In a process that may write 1 MiB to a file, as a full disk would refuse the rest."""
    path = tmp_path / "a"
    path.write_bytes(b"former")
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from trainer import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({MEBIBYTE}, {MEBIBYTE}))\n"
        "try:\n"
        f"    files.replace(Path(sys.argv[1]), bytes({2 * MEBIBYTE}), durable={durable})\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert done.stdout == "File too large\n"
    assert path.read_bytes() == b"former"
    assert _names(tmp_path) == {"a"}


def test_a_killed_write_leaves_the_former_content(tmp_path: Path) -> None:
    """A process that a signal ends where its file reaches 1 MiB, within the write."""
    path = tmp_path / "a"
    path.write_bytes(b"former")
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from trainer import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({MEBIBYTE}, {MEBIBYTE}))\n"
        f"files.replace(Path(sys.argv[1]), bytes({MEBIBYTE}), b'more')\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, check=False)
    assert done.returncode == -signal.SIGXFSZ
    assert path.read_bytes() == b"former"
    assert (tmp_path / ".a.partial").stat().st_size == MEBIBYTE
    files.replace(path, "new")  # over what the killed one has left
    assert path.read_bytes() == b"new"
    assert _names(tmp_path) == {"a"}


def test_a_folder_of_that_name_is_an_error_and_leaves_no_partial(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        files.replace(tmp_path / "a", "new")
    assert _names(tmp_path) == {"a"}


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        files.replace(tmp_path / "no" / "a", "new")
    assert raised.value.filename == str(tmp_path / "no" / ".a.partial")


@pytest.mark.parametrize(("durable", "expected"), [(False, []), (True, ["file", "folder"])])
def test_durable_syncs_the_file_and_then_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool, expected: list[str]
) -> None:
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        assert (tmp_path / "a").exists() == is_folder  # the file before it gets its name, the folder after
        assert is_folder or os.fstat(descriptor).st_size == 3  # nothing is left in Python's buffer
        synced.append("folder" if is_folder else "file")

    monkeypatch.setattr(os, "fsync", fsync)  # nothing but a loss of power shows what was synced
    files.replace(tmp_path / "a", "new", durable=durable)
    assert synced == expected


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError("a mounted bucket")

    monkeypatch.setattr(os, "fsync", fsync)
    files.replace(tmp_path / "a", "new", durable=True)
    assert (tmp_path / "a").read_text() == "new"


def test_a_file_that_cannot_be_synced_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError("no sync")

    files.replace(tmp_path / "a", "former")
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="no sync"):
        files.replace(tmp_path / "a", "new", durable=True)
    assert (tmp_path / "a").read_text() == "former"
    assert _names(tmp_path) == {"a"}


def test_the_home_folder_is_what_a_shell_takes_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.chdir(tmp_path)
    for path in ("a/~", "gs://bucket/~/a", "", "/~", "a~b", "runs/[1]*?\\"):
        assert files.expanded(path) == path
    assert files.expanded("~") == "/home/me"
    assert files.expanded("~/x y") == "/home/me/x y"
    assert files.expanded("~root/x") == f"{Path('~root').expanduser()}/x"
    assert files.expanded("./~/x") == str(tmp_path / "~" / "x")
    (tmp_path / "~$report.png").touch()  # as another program leaves, and a shell's * finds
    assert files.expanded("~$report.png") == str(tmp_path / "~$report.png")
    with pytest.raises(UsageError, match="`~` must begin the home folder of an existing user.*: ~nobody-is/x"):
        files.expanded("~nobody-is/x")


@pytest.mark.parametrize("path", ["a\0b", "~/\ud800", "x\udfff"])  # tests.fuzz: environment-19-768
def test_rejects_what_no_file_can_be_named(path: str) -> None:
    with pytest.raises(UsageError, match="must be a valid name of a file"):
        files.expanded(path)


def test_what_a_folder_holds_beside_our_own(tmp_path: Path) -> None:
    assert files.strangers(tmp_path / "missing", ()) == []
    for name in ("b", "a", ".hidden", "logs"):
        (tmp_path / name).touch()
    assert files.strangers(tmp_path, ["logs"]) == ["a", "b"]
    assert files.strangers(tmp_path / "a", ()) == []
