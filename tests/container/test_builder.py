from collections.abc import Sequence

import pytest

from container.builder import ALL, BUILDAH, BUILDAH_COPYING, DOCKER, PODMAN, Builder, choose


def _working(*names: str):
    def succeeds(command: Sequence[str]) -> int:
        return 0 if command[0] in names else 127

    return succeeds


@pytest.mark.parametrize(
    ("wanted", "working", "is_root", "chosen"),
    [
        ("auto", ("docker", "podman", "buildah"), True, DOCKER),
        ("auto", ("podman", "buildah"), True, PODMAN),
        ("auto", ("buildah",), True, BUILDAH),
        ("auto", ("buildah",), False, None),  # a chroot is root's to make
        ("auto", (), True, None),
        ("podman", ("docker", "podman"), False, PODMAN),
        ("podman", ("docker",), True, None),
        ("buildah", ("docker", "buildah"), False, None),
    ],
)
def test_takes_what_works(wanted: str, working: tuple[str, ...], is_root: bool, chosen: Builder | None) -> None:
    assert choose(wanted, _working(*working), is_root) == chosen


def test_asks_docker_for_its_daemon() -> None:
    asked = []
    choose("docker", lambda command: asked.append(list(command)) or 1, is_root=True)
    assert asked == [["docker", "version"]]  # which fails where the client alone is installed


def test_tells_buildah_what_it_needs_without_a_daemon() -> None:
    command = BUILDAH.build_command(
        "trainer:1", {"EXTRAS": "serve"}, {"revision": "abc"}, {"/tmp/pip.conf": "/etc/pip.conf"}
    )
    assert command == [
        *("buildah", "bud", "--isolation=chroot", "--layers=true", "--format=docker"),
        *("--tag", "trainer:1", "--build-arg=EXTRAS=serve", "--label=revision=abc"),
        *("--volume=/tmp/pip.conf:/etc/pip.conf:ro", "."),
    ]


def test_buildah_copies_where_it_cannot_lay_one_folder_over_another() -> None:
    chosen = choose("buildah", lambda command: 0 if "--storage-driver=vfs" in command else 125, is_root=True)
    assert chosen is BUILDAH_COPYING
    assert "--layers=false" in chosen.build_command("trainer", {}, {}, {})


@pytest.mark.parametrize("builder", ALL, ids=lambda builder: builder.name)
def test_says_what_to_type_next(builder: Builder) -> None:
    lines = builder.next_lines("trainer:1")
    assert all(line.startswith(("mkdir -p runs && ", "container=", builder.name)) for line in lines)
    assert "trainer:1" in "\n".join(lines)
    assert lines[-1].endswith("--data=digits --epochs=2")
