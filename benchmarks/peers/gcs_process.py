"""A process that runs functions on the bucket; its state persists between them."""

import concurrent.futures
import importlib
import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.buckets.objects.client import widened

Process = concurrent.futures.ProcessPoolExecutor


def start(variables: Mapping[str, str], module: str) -> Process:
    """Starts a process, which imports a module while others start.

    Args:
      variables: the environment with the address of the bucket; TensorFlow reads it only once, when it is imported.
      module: a module whose import is slow.
    """
    process = Process(1, multiprocessing.get_context("spawn"), _surround, (variables,))
    process.submit(importlib.import_module, module)
    return process


def client(connections: int | None = None) -> Any:
    """Returns a `google.cloud.storage.Client` without credentials, which keeps this many connections open."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    made = storage.Client(project="benchmark", credentials=AnonymousCredentials())
    return widened(made, connections) if connections else made


def _surround(variables: Mapping[str, str]) -> None:
    os.environ.update({"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", **variables})
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)  # keeps Python's output, without TensorFlow's log
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
