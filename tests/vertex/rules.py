"""What the service asks of a new job, beyond its types.

From its documentation and from what its own client's messages say; nobody has held it against the real one.
"""

from collections.abc import Iterator
from typing import Any

from tests.vertex.refusals import Refused

_LABEL = 63  # characters
_PARAMETERS = 16  # https://cloud.google.com/vertex-ai/docs/training/hyperparameter-tuning-overview


def check(job: Any) -> None:
    """Refuses a message that is no job to run, with every field that is wrong."""
    wrong = dict(_job(job))
    if wrong:
        raise Refused("INVALID_ARGUMENT", "List of found errors: " + "; ".join(wrong.values()), wrong)


def _job(job: Any) -> Iterator[tuple[str, str]]:
    if not 0 < len(job.display_name) <= 128:
        yield "display_name", "The display name must have 1 to 128 characters."
    for key, value in job.labels.items():
        if key != key.lower() or len(key) > _LABEL or len(value) > _LABEL:
            yield "labels", f"The label {key} must be lower case, and at most {_LABEL} characters long."
    if job.DESCRIPTOR.name == "CustomJob":
        yield from _spec(job.job_spec, "custom_job.job_spec")
        return
    if job.max_trial_count < 1:
        yield "hyperparameter_tuning_job.max_trial_count", "It must be greater than 0."
    if not 1 <= job.parallel_trial_count <= max(job.max_trial_count, 1):
        yield "hyperparameter_tuning_job.parallel_trial_count", "It must be in [1, max_trial_count]."
    yield from _study(job.study_spec)
    yield from _spec(job.trial_job_spec, "hyperparameter_tuning_job.trial_job_spec")


def _study(study: Any) -> Iterator[tuple[str, str]]:
    path = "hyperparameter_tuning_job.study_spec"
    if len(study.metrics) != 1 or not study.metrics[0].metric_id:
        yield f"{path}.metrics", "Exactly one metric is supported."
    if not 0 < len(study.parameters) <= _PARAMETERS:
        yield f"{path}.parameters", f"There must be 1 to {_PARAMETERS}."
    for parameter in study.parameters:
        yield from _parameter(parameter, f"{path}.parameters")


def _parameter(parameter: Any, path: str) -> Iterator[tuple[str, str]]:
    kind = parameter.WhichOneof("parameter_value_spec")
    named = f"{path}[{parameter.parameter_id}]"
    if not parameter.parameter_id or kind is None:
        yield named, "It must have an id and a value spec."
        return
    spec = getattr(parameter, kind)
    if kind in ("double_value_spec", "integer_value_spec") and spec.min_value > spec.max_value:
        yield named, "min_value must not exceed max_value."
    if kind == "discrete_value_spec" and list(spec.values) != sorted(set(spec.values)):
        yield named, "values must be in increasing order."
    if parameter.scale_type and kind == "categorical_value_spec":
        yield named, "scale_type must not be set for a categorical parameter."
    for child in parameter.conditional_parameter_specs:
        yield from _parameter(child.parameter_spec, path)


def _spec(spec: Any, path: str) -> Iterator[tuple[str, str]]:
    if not spec.worker_pool_specs:
        yield f"{path}.worker_pool_specs", "There must be at least one."
    for index, pool in enumerate(spec.worker_pool_specs):
        here = f"{path}.worker_pool_specs[{index}]"
        if pool.WhichOneof("task") is None:
            yield here, "A container_spec or a python_package_spec is required."
        if not pool.machine_spec.machine_type:
            yield f"{here}.machine_spec", "A machine_type is required."
        if pool.machine_spec.accelerator_type and not pool.machine_spec.accelerator_count:
            yield f"{here}.machine_spec", "An accelerator_count is required."
        if (index == 0 and pool.replica_count != 1) or pool.replica_count < 1:
            yield f"{here}.replica_count", "The first pool has one replica, the others have at least one."
    if spec.tensorboard and not (spec.service_account and spec.base_output_directory.output_uri_prefix):
        yield f"{path}.tensorboard", "It needs service_account and base_output_directory."
