"""A shell as a person has one, with the fake for a service."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.vertex.server import Server
from trainer.study.vertex.service import OVERRIDE

ROOT = Path(__file__).parents[2]


class Shell:
    """A shell in which `gcloud` and `python -m trainer.study` talk to the fake, without an account.

    Args:
      server: the fake.
      folder: takes gcloud's own files.
      variables: more of the environment.
    """

    def __init__(self, server: Server, folder: Path, variables: Mapping[str, str] = MappingProxyType({})):
        self._environment = {
            # These tests may be started by make themselves, and what they run is not.
            **{name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "NO_GCE_CHECK": "true",
            OVERRIDE: server.url,
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CONFIG": str(folder),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            **variables,
        }

    def __call__(self, command: str, folder: Path = ROOT) -> str:
        """Returns what a command prints."""
        done = self.run(command, folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, command: str, folder: Path = ROOT) -> str:
        """Returns what a command says that fails."""
        done = self.run(command, folder)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def run(self, command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Runs a command, as if it were pasted into the shell."""
        return subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            env=self._environment,
            cwd=folder,
            timeout=120,
            check=False,
        )
