"""Checks that what a job reads is where its containers can read it: nothing of this machine is there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trainer import command_line
from trainer.buckets.location import is_remote
from trainer.hparams import DATASETS, FILE, MANAGED, OWN, family
from trainer.study.vertex.request import Request

_TASKS = ("containerSpec", "pythonPackageSpec")
_MOUNTED = "/gcs/"  # https://cloud.google.com/vertex-ai/docs/training/cloud-storage-file-system
_SHARES = "/mnt/nfs/"  # https://cloud.google.com/vertex-ai/docs/training/train-nfs-share
# What each flag may be that is no file.
_NAMES = {
    "data": f"one of {', '.join((*DATASETS, MANAGED))}",
    "weights": "imagenet",
    "model": "the name of a network",
}


def problems(request: Request) -> Iterator[str]:
    """Yields a problem for each folder or file of this machine that a trial would be given."""
    for name, names in _NAMES.items():
        for value, mounts in _values(request, name):
            if _is_path(name, value) and not is_remote(value) and not value.startswith(mounts):
                yield (
                    f"`--{name}` on Vertex AI must be in a bucket, as gs://BUCKET/… or /gcs/BUCKET/…, or "
                    f"{names}: containers cannot read files of this machine; upload it with "
                    f"gcloud storage cp --recursive. Received: {value}"
                )


def missing(request: Request, is_missing: Callable[[str], bool]) -> Iterator[str]:
    """Yields a problem for each file of weights, or of a network, that no bucket has.

    Args:
      request: one in which `problems` finds nothing.
      is_missing: whether a bucket lacks a file, by its address.
    """
    for name in ("weights", "model"):
        for value, _ in _values(request, name):
            if _is_path(name, value) and is_remote(value) and is_missing(value):
                yield f"`--{name}` must be a file that exists. Received: {value}"


def notes(request: Request) -> Iterator[str]:
    """Yields a line for each function of a user's own that the image must contain, which cannot be seen from here."""
    for value in dict.fromkeys(value for value, _ in _values(request, "model") if family(value) == OWN):
        module = value.partition(":")[0]
        yield f"--model={value} needs the module {module} in the image: make image ARGS=--package=FOLDER"


def _is_path(name: str, value: str) -> bool:
    """Returns whether the value of a flag is a file or a folder, not a name."""
    if name == "data":
        return value not in (*DATASETS, MANAGED)
    return value != "imagenet" if name == "weights" else family(value) == FILE


def _values(request: Request, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields the values that a flag has in some trial, each with the folders that are mounted there."""
    known = command_line.run_flags()
    for pool in request.spec.get("workerPoolSpecs", ()):
        mounts = (_MOUNTED, *([_SHARES] if pool.get("nfsMounts") else []))
        for task in _TASKS:
            value = command_line.last_value(pool.get(task, {}).get("args", ()), name, known)
            if value:
                yield value, mounts
    for value in _tuned(request.body.get("studySpec", {}).get("parameters", ()), name):
        if value:
            yield value, (_MOUNTED, _SHARES)


def _tuned(parameters: Sequence[Mapping[str, Any]], name: str) -> Iterator[str]:
    """Yields what a study may suggest for a flag."""
    for parameter in parameters:
        if parameter.get("parameterId") == name:
            yield from (str(value) for value in parameter.get("categoricalValueSpec", {}).get("values", ()))
        yield from _tuned([child["parameterSpec"] for child in parameter.get("conditionalParameterSpecs", ())], name)
