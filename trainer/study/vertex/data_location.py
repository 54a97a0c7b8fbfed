"""Checks that a job's data are where its containers can read them: nothing of this machine is there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainer import command_line
from trainer.buckets.location import is_remote
from trainer.hparams import DATASETS, MANAGED
from trainer.study.vertex.request import Request

_NAME = "data"
_TASKS = ("containerSpec", "pythonPackageSpec")
_MOUNTED = "/gcs/"  # https://cloud.google.com/vertex-ai/docs/training/cloud-storage-file-system
_SHARES = "/mnt/nfs/"  # https://cloud.google.com/vertex-ai/docs/training/train-nfs-share


def problems(request: Request) -> Iterator[str]:
    """Yields a problem for each value of `--data` that is a folder or file of this machine."""
    known = command_line.run_flags()
    for pool in request.spec.get("workerPoolSpecs", ()):
        mounts = (_MOUNTED, *([_SHARES] if pool.get("nfsMounts") else []))
        for task in _TASKS:
            data = command_line.last_value(pool.get(task, {}).get("args", ()), _NAME, known)
            if data and not _is_there(data, mounts):
                yield _problem(data)
    for data in _tuned(request.body.get("studySpec", {}).get("parameters", ())):
        if not _is_there(data, (_MOUNTED, _SHARES)):
            yield _problem(data)


def _is_there(data: str, mounts: tuple[str, ...]) -> bool:
    return is_remote(data) or data.startswith(mounts) or data in (*DATASETS, MANAGED)


def _problem(data: str) -> str:
    names = ", ".join((*DATASETS, MANAGED))
    return (
        f"`--{_NAME}` on Vertex AI must be in a bucket, as gs://BUCKET/… or /gcs/BUCKET/…, or one of {names}: no "
        f"container has this machine's files, which gcloud storage cp --recursive copies. Received: {data}"
    )


def _tuned(parameters: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields the data that a study may suggest."""
    for parameter in parameters:
        if parameter.get("parameterId") == _NAME:
            yield from (str(value) for value in parameter.get("categoricalValueSpec", {}).get("values", ()))
        yield from _tuned([child["parameterSpec"] for child in parameter.get("conditionalParameterSpecs", ())])
