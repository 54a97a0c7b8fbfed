"""This machine's access to its package index, mounted in a build and left out of the image."""

import ast
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# What says where packages come from; not what says where they go, such as `target`, nor what caps their versions.
_OPTIONS = (
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host"),
    *("cert", "client-cert", "proxy", "timeout", "default-timeout", "retries"),
)
_BUNDLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")  # the first one that is set is meant
_ENVIRONMENT = ":env:"  # how `pip config list` calls what comes from PIP_* variables
_PIP_CONF = "/etc/pip.conf"  # pip reads this file in every container


@dataclass(frozen=True)
class Settings:
    """pip's settings on this machine.

    Attributes:
      options: from pip's own names, such as `index-url`, to their values.
    """

    options: Mapping[str, str]

    @classmethod
    def read(cls, listed: str, variables: Mapping[str, str]) -> "Settings":
        """Returns what `pip config list` printed, with the certificates that other programs' variables name."""
        found: dict[str, str] = {}
        bundles = [variables[name] for name in _BUNDLES if variables.get(name)]
        if bundles:
            found["cert"] = bundles[0]
        # Stable: within each kind, what pip prints last wins, and what the environment says wins over files.
        for line in sorted(listed.splitlines(), key=lambda line: line.startswith(_ENVIRONMENT)):
            name, is_pair, value = line.partition("=")
            option = name.rpartition(".")[2]
            if is_pair and option in _OPTIONS:
                found[option] = str(ast.literal_eval(value))
        return cls(found)

    @property
    def paths(self) -> list[Path]:
        """The files and folders of this machine that the options name."""
        words = [word for value in self.options.values() for word in value.split()]
        # An index on disk is beside its packages: /opt/mirror/simple, /opt/mirror/packages.
        indexes = [Path(word.removeprefix("file://")).parent for word in words if word.startswith("file:///")]
        return sorted({path for path in [*map(Path, words), *indexes] if path.is_absolute() and path.exists()})

    @property
    def index(self) -> str:
        """The address of the package index; empty where it is pip's own."""
        return self.options.get("index-url", "")

    def text(self) -> str:
        """The options as a pip.conf."""
        lines = [f"{name} = {' '.join(value.split())}" for name, value in self.options.items()]
        return "\n".join(["[global]", *lines, ""])

    @contextmanager
    def mounts(self) -> Iterator[dict[str, str]]:
        """Writes a pip.conf that exists while a build runs.

        Yields:
          from a path of this machine to that in the container; empty where pip has no settings.
        """
        if not self.options:
            yield {}
            return
        with tempfile.TemporaryDirectory() as folder:
            conf = Path(folder) / "pip.conf"
            conf.write_text(self.text())
            yield {str(conf): _PIP_CONF} | {str(path): str(path) for path in self.paths}
