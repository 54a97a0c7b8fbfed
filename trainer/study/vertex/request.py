"""The request to Vertex AI: config.yaml's job with its placeholders filled and the changes that flags make."""

import copy
import dataclasses
import datetime
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from trainer import command_line
from trainer.command_line import Argument, Flags
from trainer.study.config.document import metric_flag
from trainer.study.options import Options
from trainer.study.vertex.job import CUSTOM, TUNING, Kind
from trainer.study.vertex.service import SUBMISSION

_PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9_])(BUCKET|PROJECT|REGION)(?![A-Za-z0-9_])")
_STRATEGIES = {"yes": "SPOT", "no": "STANDARD"}
_NUMBER = re.compile(r"[-+]?(?:\.\d+|\d[\d_]*\.?\d*)(?:[eE][-+]?\d+)?|0[ox][0-9a-fA-F]+")  # in YAML 1.2 alone: 1e3
_WIDTH = 118

Document = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Request:
    """A job to create.

    Attributes:
      kind: of the job.
      body: the job in JSON's form.
    """

    kind: Kind
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name that a person sees."""
        return str(self.body["displayName"])

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its machines, and what runs on them: a CustomJobSpec."""
        spec: Mapping[str, Any] = self.body[_SPECS[self.kind.collection]]
        return spec

    @property
    def output(self) -> str:
        """The folder that takes its output; empty if there is none."""
        return str(self.spec.get("baseOutputDirectory", {}).get("outputUriPrefix", ""))

    @property
    def images(self) -> list[str]:
        """Its container images, each once."""
        pools = self.spec.get("workerPoolSpecs", ())
        images = [pool.get("containerSpec", {}).get("imageUri", "") for pool in pools]
        return [*dict.fromkeys(image for image in images if image)]

    def as_yaml(self) -> str:
        """Returns it as YAML, exactly what is sent."""
        return _yaml(self.body)

    def as_command(self, project: str, region: str) -> str:
        """Returns the `gcloud` command line that sends the same, with what it reads behind it."""
        words = ["gcloud", "ai", self.kind.group, "create", f"--project={project}", f"--region={region}"]
        words.append(f"--display-name={self.name}")
        if self.kind is CUSTOM:  # of which it reads the spec alone
            words.append("--labels=" + ",".join(f"{key}={value}" for key, value in self.body["labels"].items()))
            if "encryptionSpec" in self.body:
                words.append(f"--kms-key={self.body['encryptionSpec']['kmsKeyName']}")
        content = _yaml(self.spec) if self.kind is CUSTOM else self.as_yaml()
        return f"{shlex.join(words)} --config=/dev/stdin <<'YAML'\n{content}YAML"


_SPECS = {TUNING.collection: "trialJobSpec", CUSTOM.collection: "jobSpec"}


def request(
    document: Mapping[str, Any], options: Options, flags: Sequence[str], submission: str, now: datetime.datetime
) -> Request:
    """Returns what config.yaml and the flags ask for.

    Args:
      document: config.yaml's HyperparameterTuningJob, in JSON's form.
      options: what to change of it.
      flags: of `trainer.task`; each replaces the same one in the container's `args`.
      submission: a word that no other request has; the job is found by it.
      now: the time that names the output's folder, so that no two jobs share one.
    """
    name = options.display_name or str(document.get("displayName", "trainer"))
    body = _filled(copy.deepcopy(dict(document)), _values(options))
    spec = body["trialJobSpec"]
    if options.bucket:
        spec["baseOutputDirectory"] = {"outputUriPrefix": _output(options.bucket, name, now)}
    _change_account(spec, options)
    _change_machines(spec, options)
    for pool in spec.get("workerPoolSpecs", ()):
        container = pool.get("containerSpec", {})
        if options.image:
            container["imageUri"] = options.image
        if flags:
            container["args"] = overridden(container.get("args", ()), flags, command_line.run_flags())
        if reported := metric_flag(document, container.get("args", ())):
            container["args"] = [*container.get("args", ()), *reported]
    labels = {**body.get("labels", {}), SUBMISSION: submission}
    if options.job == "custom":
        key = {field: body[field] for field in ("encryptionSpec",) if field in body}
        return Request(CUSTOM, {"displayName": name, "labels": labels, "jobSpec": spec, **key})
    for field, count in (
        ("maxTrialCount", options.max_trial_count),
        ("parallelTrialCount", options.parallel_trial_count),
    ):
        if count:
            body[field] = count
    return Request(TUNING, {**body, "displayName": name, "labels": labels})


def overridden(arguments: Sequence[str], changes: Sequence[str], known: Flags) -> list[str]:
    """Returns a command line in which flags have new values, and new flags stand at the end.

    Args:
      arguments: the command line.
      changes: the flags with their new values.
      known: the flags of the program.
    """
    given = {argument.name or argument.words[0]: _word(argument) for argument in command_line.split(changes, known)}
    kept = [argument for argument in command_line.split(arguments, known) if argument.name not in given]
    return [*map(_word, kept), *given.values()]


def _word(argument: Argument) -> str:
    """Returns an argument as one word."""
    if not argument.name or argument.value is None:  # as a question of a user's own network that is answered yes
        return argument.words[0]
    return f"--{argument.name}={argument.value}"


def _values(options: Options) -> dict[str, str]:
    bucket = options.bucket.removeprefix("gs://").split("/")[0]
    values = {"BUCKET": bucket, "PROJECT": options.project, "REGION": options.region}
    return {name: value for name, value in values.items() if value}


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: values.get(match[0], match[0]), value)
    if isinstance(value, Mapping):
        return {name: _filled(item, values) for name, item in value.items()}
    return [_filled(item, values) for item in value] if isinstance(value, Sequence) else value


def _output(bucket: str, name: str, now: datetime.datetime) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "trainer"
    return f"gs://{bucket.removeprefix('gs://').rstrip('/')}/{slug}-{now:%Y%m%d-%H%M%S}"


def _change_account(spec: Document, options: Options) -> None:
    if options.service_account:
        spec["serviceAccount"] = options.service_account
    if options.tensorboard:
        parent = f"projects/{options.project or 'PROJECT'}/locations/{options.region or 'REGION'}/tensorboards/"
        spec["tensorboard"] = options.tensorboard if "/" in options.tensorboard else parent + options.tensorboard
    if options.spot:
        spec["scheduling"] = {**spec.get("scheduling", {}), "strategy": _STRATEGIES[options.spot]}


def _change_machines(spec: Document, options: Options) -> None:
    pools = spec.get("workerPoolSpecs", [])
    for pool in pools:
        machine = pool.setdefault("machineSpec", {})
        changes = {
            "machineType": options.machine_type,
            "acceleratorType": options.accelerator_type,
            "acceleratorCount": options.accelerator_count or (1 if options.accelerator_type else 0),
        }
        machine.update({name: value for name, value in changes.items() if value})
    if options.replica_count and pools:
        # The first pool is the chief alone, https://cloud.google.com/vertex-ai/docs/training/distributed-training
        chief = {**pools[0], "replicaCount": 1}
        workers = {**copy.deepcopy(pools[0]), "replicaCount": options.replica_count - 1}
        spec["workerPoolSpecs"] = [chief, *([workers] if options.replica_count > 1 else [])]


class _Dumper(yaml.SafeDumper):
    """Writes YAML that its versions 1.1, PyYAML's, and 1.2, gcloud's, read alike."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if _NUMBER.fullmatch(text) else None)


_Dumper.add_representer(str, _text)


def _yaml(value: Mapping[str, Any]) -> str:
    plain: Callable[..., str] = yaml.dump
    return plain(value, Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True)
