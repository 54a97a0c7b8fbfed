"""The programs that build images, and the command lines of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Run = Callable[[Sequence[str]], int]  # a command to its exit status, its output unseen

# Works inside another container too, and where the kernel's control groups are not as podman's runtime wants them.
_CHROOT = ("--isolation=chroot",)
_RUN_MOUNT = '--volume="$PWD/runs:/home/trainer/runs"'
_SHORT_RUN = "--data=digits --epochs=2"


@dataclass(frozen=True)
class Builder:
    """A program that builds images.

    Attributes:
      name: of the program.
      command: the program with what each call of it needs.
      build: the verb that builds, with what only it needs.
      probe: a verb that succeeds where the program works, and changes nothing.
      mounts: whether a build can mount a folder of this machine.
      after: the commands that train in the image; `{tag}` stands for the image's name.
    """

    name: str
    command: tuple[str, ...]
    build: tuple[str, ...]
    probe: tuple[str, ...]
    mounts: bool
    after: tuple[str, ...]

    def build_command(
        self, tag: str, arguments: Mapping[str, str], labels: Mapping[str, str], mounts: Mapping[str, str]
    ) -> list[str]:
        """Returns the command that builds this folder's Dockerfile."""
        return [
            *(*self.command, *self.build, "--tag", tag),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            *(f"--label={name}={value}" for name, value in labels.items()),
            *(f"--volume={here}:{there}:ro" for here, there in mounts.items()),
            ".",
        ]

    def size_command(self, tag: str) -> list[str]:
        """Returns the command that prints how large an image is."""
        return [*self.command, "images", "--format={{.Size}}", tag]

    def next_lines(self, tag: str) -> list[str]:
        """Returns the commands that train in the image."""
        return [line.format(tag=tag) for line in self.after]


DOCKER = Builder(
    name="docker",
    command=("docker",),
    build=("build",),
    probe=("version",),  # asks the daemon; the client alone exits 1
    mounts=False,
    after=(f'mkdir -p runs && docker run --rm --user="$(id -u)" {_RUN_MOUNT} {{tag}} {_SHORT_RUN}',),
)
PODMAN = Builder(
    name="podman",
    command=("podman",),
    build=("build", *_CHROOT, "--format=docker"),
    probe=("info",),
    mounts=True,
    after=(f"mkdir -p runs && podman run --rm --userns=keep-id:uid=1000 {_RUN_MOUNT} {{tag}} {_SHORT_RUN}",),
)


def _buildah(*options: str, layers: bool) -> Builder:
    program = ("buildah", *options)
    command = " ".join(program)
    return Builder(
        name="buildah",
        command=program,
        build=("bud", *_CHROOT, f"--layers={str(layers).lower()}", "--format=docker"),
        probe=("info",),
        mounts=True,
        after=(
            f"container=$({command} from {{tag}})",
            f"{command} run --isolation=chroot $container -- python -m trainer.task {_SHORT_RUN}",
        ),
    )


BUILDAH = _buildah(layers=True)
# Where the kernel gives no overlay. Each layer is a copy of all before it, so none is kept but the last.
BUILDAH_COPYING = _buildah("--storage-driver=vfs", layers=False)
ALL = (DOCKER, PODMAN, BUILDAH, BUILDAH_COPYING)


def choose(wanted: str, succeeds: Run, is_root: bool) -> Builder | None:
    """Returns the builder of a name, or with "auto" the first one that works here; None where there is none."""
    for builder in ALL:
        if wanted not in ("auto", builder.name) or (builder.name == BUILDAH.name and not is_root):
            continue
        if succeeds([*builder.command, *builder.probe]) == 0:
            return builder
    return None
