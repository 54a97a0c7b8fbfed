"""Checks before a job is submitted: all problems that would make it fail later, each with what to do."""

import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any

from trainer.buckets.location import Location
from trainer.errors import UsageError
from trainer.study.config import address_rules, messages
from trainer.study.config.messages import Problem
from trainer.study.config.placeholders import placeholders
from trainer.study.config.regions import REGIONS
from trainer.study.config.view import View
from trainer.study.options import Options
from trainer.study.vertex import accelerators, data_location, shared_batch
from trainer.study.vertex.job import TUNING
from trainer.study.vertex.request import Request

# https://cloud.google.com/resource-manager/docs/creating-managing-projects; `example.com:` stands before old ones.
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
# Which flag gives a field's value.
_FLAGS = {
    "imageUri": "--image",
    "outputUriPrefix": "--bucket",
    "serviceAccount": "--service_account",
    "tensorboard": "--tensorboard",
}

Look = Callable[[str], str]


def check(request: Request, options: Options) -> Iterator[str]:
    """Yields what is wrong with a request by itself."""
    yield from _location(options)
    yield from (_line(problem, request.body) for problem in messages.check(request.body, request.kind.message))
    if not request.output:
        yield "`--bucket` must be given, because a job without an output folder saves nothing. Received: nothing"
    # The image's address has the project in it; what is wrong with that is reported already.
    wrong = f"/{options.project}/" if options.project and not _is_project(options.project) else ""
    yield from (line for line in _addresses(request) if not wrong or wrong not in line)
    yield from _tensorboard(request, options)
    yield from _machines(request, options)
    yield from shared_batch.problems(request)
    yield from data_location.problems(request)


def look(
    request: Request, options: Options, bucket: Look, image: Look, is_missing: Callable[[str], bool] = lambda _: False
) -> Iterator[str]:
    """Yields what is wrong with the request's surroundings.

    Args:
      request: one in which `check` finds nothing.
      options: where it goes.
      bucket: returns a bucket's region; nothing if that is unknown. Raises UsageError if there is no such bucket.
      image: returns what is wrong with a container image; nothing if nothing is, or if that is unknown.
      is_missing: whether a bucket lacks a file, by its address, as far as that is known.
    """
    try:
        name = Location.parse(request.output).bucket
        region = bucket(name)
        if region and region != options.region:
            yield (
                f"`--bucket` must be in {options.region}, as the machines are: gcloud storage buckets create "
                f"gs://NAME --project={options.project} --location={options.region}. Received: gs://{name}, in {region}"
            )
    except UsageError as error:
        yield str(error)
    yield from filter(None, map(image, request.images))
    yield from data_location.missing(request, is_missing)


def _location(options: Options) -> Iterator[str]:
    if not options.project:
        yield "`--project` must be given with --target=vertex. Received: nothing"
    elif not _is_project(options.project):
        rule = "must be a project's id, 6 to 30 lowercase letters, digits and -"
        yield f"`--project` {rule}. Received: {options.project}"
    if options.region not in REGIONS:
        near = difflib.get_close_matches(options.region, REGIONS, 1, 0.0)[0] if options.region else ""
        hint = f"Did you mean {near}? " if near else ""
        yield (
            "`--region` must be one where Vertex AI trains, as in europe-west4. "
            f"{hint}Received: {options.region or 'nothing'}"
        )


def _is_project(text: str) -> bool:
    return bool(_PROJECT.fullmatch(text)) or text.isdecimal()


def _addresses(request: Request) -> Iterator[str]:
    """Yields what is wrong with the names of things elsewhere, of each one thing."""
    problems = [*address_rules.addresses(View(request.spec))]
    yield from (_line(problem, request.spec) for problem in problems)
    wrong = [messages.shown(problem.path) for problem in problems]
    for path, text in placeholders(request.body):
        # A missing project or region is reported already.
        if not path.endswith(tuple(wrong)) and not re.search("PROJECT|REGION", text):
            flag = "--bucket" if "BUCKET" in text else _FLAGS.get(path.rpartition(".")[2], "--config")
            yield f"`{flag}` must be given, because `{path}` has words in capitals to replace. Received: {text}"


def _tensorboard(request: Request, options: Options) -> Iterator[str]:
    tensorboard = str(request.spec.get("tensorboard", ""))
    if tensorboard and not request.spec.get("serviceAccount"):
        rule = "must be given with --tensorboard: an account that can write to it (roles/aiplatform.user)"
        yield f"`--service_account` {rule}. Received: nothing"
    if tensorboard and options.region in REGIONS and f"/locations/{options.region}/" not in tensorboard:
        yield f"`--tensorboard` must be in {options.region}, as the job is. Received: {tensorboard}"


def _line(problem: Problem, document: Any = None) -> str:
    """Returns a problem in words, by the flag that gives the field's value where there is one."""
    flag = _FLAGS.get(str(problem.path[-1]) if problem.path else "")
    received: Any = document
    for part in problem.path if document is not None else ():
        received = received[part]
    said = problem.received or (received if isinstance(received, str) else "")
    return problem.message or f"`{flag or messages.shown(problem.path)}` {problem.rule}. Received: {said}"


def _machines(request: Request, options: Options) -> Iterator[str]:
    pools: list[Any] = [*request.spec.get("workerPoolSpecs", ())]
    if any(not pool.get("machineSpec", {}).get("machineType") for pool in pools):
        yield "`--machine_type` must be given, because config.yaml has none. Received: nothing"
    types = {str(pool.get("machineSpec", {}).get("acceleratorType", "")) for pool in pools}
    if options.accelerator_count and types == {""}:
        rule = "must be given with --accelerator_count, as in NVIDIA_L4"
        yield f"`--accelerator_type` {rule}. Received: nothing"
    else:
        for pool in pools:
            yield from accelerators.problems(pool.get("machineSpec", {}))
    if request.kind is TUNING and any(name.startswith("TPU") for name in types):
        name = next(name for name in sorted(types) if name.startswith("TPU"))
        yield f"`--accelerator_type` of a tuning job must be a GPU: the service has no TPUs for it. Received: {name}"
    trials, parallel = (int(request.body.get(name, 1)) for name in ("maxTrialCount", "parallelTrialCount"))
    if request.kind is TUNING and parallel > trials:
        yield f"`--parallel_trial_count` must be at most the number of trials, {trials}. Received: {parallel}"
