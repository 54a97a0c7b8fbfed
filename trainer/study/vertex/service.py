"""Vertex AI's job service: creates, gets, lists and cancels jobs, in JSON's form."""

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from trainer import interpreter
from trainer.buckets.objects.patience import Patience
from trainer.errors import UsageError
from trainer.study.vertex.failure import LOGIN, is_passing, is_passing_creation, named
from trainer.study.vertex.job import ENDED, Kind

SUBMISSION = "trainer-submission"  # a label by which a job is found whose creation was never answered
OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM"  # gcloud's own variable: another address of the service

_T = TypeVar("_T")


class JobService:
    """The jobs of one project in one region.

    Args:
      client: a `google.cloud.aiplatform_v1.JobServiceClient`.
      project: the project's id.
      region: as in europe-west4.
      patience: how long a request is tried again.
      timeout: seconds for one request.

    Raises:
      UsageError: by every method, if the service refuses.
      UnreachableError: by every method, if the service cannot be reached or does not answer.
    """

    def __init__(self, client: Any, project: str, region: str, patience: Patience, timeout: float = 30.0):
        self.project, self.region = project, region
        self._client, self._patience, self._timeout = client, patience, timeout

    @property
    def parent(self) -> str:
        """The prefix of the names of all its jobs."""
        return f"projects/{self.project}/locations/{self.region}"

    def create(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        """Creates a job and returns it as the service has it.

        The request has no id by which the service could recognise a repeated one. So a job has a label of its own, and
        after a request without an answer it is looked for before it is asked for again.

        Args:
          kind: of the job.
          body: the job in JSON's form, with the label `SUBMISSION`.
        """
        submission = body["labels"][SUBMISSION]
        message = parsed(kind, body)
        is_doubtful = False

        def call() -> Any:
            nonlocal is_doubtful
            if is_doubtful:
                found = self._page(kind, f'labels.{SUBMISSION}="{submission}"')
                if found:
                    return found[0]
            is_doubtful = True
            return self._method("create", kind)(
                request={"parent": self.parent, kind.noun: message}, retry=None, timeout=self._timeout
            )

        return _as_json(self._ask(call, kind, "create", self.parent, is_passing_creation))

    def get(self, kind: Kind, name: str) -> dict[str, Any]:
        """Returns a job, by its whole name."""

        def call() -> Any:
            return self._method("get", kind)(request={"name": name}, retry=None, timeout=self._timeout)

        return _as_json(self._ask(call, kind, "get", name))

    def search(self, kind: Kind, filter: str = "") -> list[dict[str, Any]]:
        """Returns jobs, the latest first as the service has them.

        Args:
          kind: of the jobs.
          filter: which, in the service's words, as in `display_name="trainer"`.
        """
        return [_as_json(job) for job in self._ask(lambda: self._page(kind, filter), kind, "list", self.parent)]

    def cancel(self, kind: Kind, name: str) -> None:
        """Asks for a job to be cancelled; its trials are asked to stop, and it ends a little later."""

        def call() -> None:
            self._method("cancel", kind)(request={"name": name}, retry=None, timeout=self._timeout)

        try:
            self._ask(call, kind, "cancel", name)
        except UsageError:
            # Where the first answer was lost, the request that repeats it is refused.
            with contextlib.suppress(UsageError):
                if self.get(kind, name).get("state") in (*ENDED, "JOB_STATE_CANCELLING"):
                    return
            raise

    def _page(self, kind: Kind, filter: str) -> list[Any]:
        pager = getattr(self._client, f"list_{kind.noun}s")(
            request={"parent": self.parent, "filter": filter}, retry=None, timeout=self._timeout
        )
        return [*pager]

    def _method(self, verb: str, kind: Kind) -> Callable[..., Any]:
        return getattr(self._client, f"{verb}_{kind.noun}")  # type: ignore[no-any-return]

    def _ask(
        self,
        call: Callable[[], _T],
        kind: Kind,
        verb: str,
        resource: str,
        is_passing: Callable[[Exception], bool] = is_passing,
    ) -> _T:
        try:
            return self._patience.run(call, is_passing)
        except Exception as error:
            meaning = named(error, kind, verb, resource)
            raise meaning from None


def connect(region: str, variables: Mapping[str, str]) -> Any:
    """Returns a client of the job service with this machine's credentials; one on this machine is asked without any.

    Args:
      region: the service of which.
      variables: the environment variables, of which `OVERRIDE` may name another address.

    Raises:
      UsageError: the library or the credentials are missing.
    """
    service = _library()
    from google.auth.exceptions import GoogleAuthError

    address = variables.get(OVERRIDE, "").rstrip("/")
    if address.startswith("http://"):
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.aiplatform_v1.services.job_service.transports.rest import JobServiceRestTransport

        transport = JobServiceRestTransport(
            host=address.removeprefix("http://"),
            url_scheme="http",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        )
        return service.JobServiceClient(transport=transport)
    host = address.removeprefix("https://") or f"{region}-aiplatform.googleapis.com"
    try:
        return service.JobServiceClient(client_options={"api_endpoint": host})
    except GoogleAuthError:
        raise UsageError(f"`--target=vertex` needs Google credentials; {LOGIN}") from None


def parsed(kind: Kind, body: Mapping[str, Any]) -> Any:
    """Returns a job in JSON's form as its message.

    Raises:
      UsageError: a field is unknown or its value is of another kind, or the library is missing.
    """
    service = _library()
    from google.protobuf import json_format  # type: ignore[import-untyped]

    message = getattr(service, kind.message)
    try:
        return message(json_format.ParseDict(dict(body), message.pb(message())))
    except json_format.ParseError as error:
        raise UsageError(f"the {kind.words} is invalid for the service: {' '.join(str(error).split())}") from None


def _library() -> Any:
    try:
        from google.cloud import aiplatform_v1
    except ImportError:
        missing = f"`--target=vertex` needs the package google-cloud-aiplatform: {interpreter.install('vertex')}"
        raise UsageError(missing) from None
    return aiplatform_v1


def _as_json(message: Any) -> dict[str, Any]:
    return dict(json.loads(type(message).to_json(message, use_integers_for_enums=False, indent=None)))
