"""The two kinds of training job on Vertex AI, and the names of single jobs."""

import dataclasses
import re

from trainer.errors import UsageError

SUCCEEDED = "JOB_STATE_SUCCEEDED"
ENDED = (*(SUCCEEDED, "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED", "JOB_STATE_PARTIALLY_SUCCEEDED"),)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
      collection: what its jobs are called in a name.
      noun: what the client's methods call one.
      message: its message in `google.cloud.aiplatform_v1`.
      group: what gcloud calls it, below `gcloud ai`.
      words: what a person does.
    """

    collection: str
    noun: str
    message: str
    group: str
    words: str


TUNING = Kind(
    "hyperparameterTuningJobs",
    "hyperparameter_tuning_job",
    "HyperparameterTuningJob",
    "hp-tuning-jobs",
    "tuning job",
)
CUSTOM = Kind("customJobs", "custom_job", "CustomJob", "custom-jobs", "custom job")

_NAME = re.compile(r"projects/([^/]+)/locations/([a-z0-9-]+)/(\w+)/(\d+)")


@dataclasses.dataclass(frozen=True)
class JobName:
    """The name of one job of the service.

    Attributes:
      project: the project's id, or its number, which is how the service writes it.
      region: where the job is.
      kind: of the job.
      id: its number.
    """

    project: str
    region: str
    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"projects/{self.project}/locations/{self.region}/{self.kind.collection}/{self.id}"

    @property
    def page(self) -> str:
        """The address of its page in the console."""
        folder = f"https://console.cloud.google.com/agent-platform/locations/{self.region}"
        return f"{folder}/training/{self.id}?project={self.project}"

    def gcloud(self, verb: str) -> str:
        """Returns the command line that describes or cancels it."""
        return f"gcloud ai {self.kind.group} {verb} {self.id} --project={self.project} --region={self.region}"

    @classmethod
    def parse(cls, text: str, project: str = "", region: str = "", kind: Kind = TUNING) -> "JobName":
        """Returns the name that a text gives.

        Args:
          text: the whole name, or the number alone.
          project: of a number.
          region: of a number.
          kind: of a number.

        Raises:
          UsageError: it is neither, or a number without its project and region.
        """
        if re.fullmatch(r"\d+", text) and project and region:
            return cls(project, region, kind, text)
        match = _NAME.fullmatch(text)
        kinds = {one.collection: one for one in (TUNING, CUSTOM)}
        if not match or match[3] not in kinds:
            raise UsageError(
                "`--results` must be a job's name, as in projects/P/locations/R/hyperparameterTuningJobs/123, or its "
                f"number with --project and --region. Received: {text}"
            )
        return cls(match[1], match[2], kinds[match[3]], match[4])
