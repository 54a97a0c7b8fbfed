"""The forms of the addresses in a job: buckets, images, accounts, resources; and their region."""

import re
from collections.abc import Iterator

from trainer.buckets.location import Location
from trainer.errors import UsageError
from trainer.study.config.messages import Problem, shown
from trainer.study.config.placeholders import filled
from trainer.study.config.regions import REGIONS
from trainer.study.config.view import View

# https://cloud.google.com/resource-manager/docs/creating-managing-projects: an id, also with a domain, or a number
_PROJECT = r"projects/(?:[a-z0-9.]+:)?[a-z0-9][a-z0-9-]*"
_LOCATION = rf"{_PROJECT}/locations/([a-z0-9-]+)"
# https://github.com/distribution/reference: host, path, and a tag or digest.
_IMAGE = (
    r"[a-z0-9]+(?:[.-][a-z0-9]+)*(?::\d+)?(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+"
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_IMAGE_RULE = "a container image, as in europe-west4-docker.pkg.dev/project/repository/trainer:latest"
_FORMS = {
    "serviceAccount": (
        r"[a-z0-9][a-z0-9-]*@[a-z0-9.-]+\.gserviceaccount\.com",
        "a service account, as in trainer@project.iam.gserviceaccount.com",
    ),
    "tensorboard": (rf"{_LOCATION}/tensorboards/[a-z0-9-]+", "of the form projects/…/locations/…/tensorboards/…"),
    "experiment": (
        rf"{_LOCATION}/metadataStores/[a-z0-9-]+/contexts/[a-z0-9-]+",
        "of the form projects/…/locations/…/metadataStores/…/contexts/…",
    ),
    "network": (
        r"projects/\d+/global/networks/[a-z0-9-]+",
        "of the form projects/…/global/networks/…, with the project's number",
    ),
    "kmsKeyName": (
        rf"{_LOCATION}/keyRings/[\w-]+/cryptoKeys/[\w-]+",
        "of the form projects/…/locations/…/keyRings/…/cryptoKeys/…",
    ),
}


def addresses(spec: View) -> Iterator[Problem]:
    """Yields what is wrong with the addresses in a CustomJobSpec, placeholders aside."""
    for name in ("serviceAccount", "tensorboard", "experiment", "network"):
        yield from resource(spec[name])
    output = spec["baseOutputDirectory"]
    if output.is_given:
        yield from _bucket(output["outputUriPrefix"])
    for pool in spec["workerPoolSpecs"]:
        container, package = pool["containerSpec"], pool["pythonPackageSpec"]
        for image in (container["imageUri"], package["executorImageUri"]):
            if not image.is_given and not pool[str(image.path[-2])].is_given:
                continue
            if not re.fullmatch(_IMAGE, filled(image.text, str(image.path[-1]))):
                yield image.problem(f"must be {_IMAGE_RULE}")
        for uri in package["packageUris"]:
            yield from _bucket(uri)


def resource(view: View) -> Iterator[Problem]:
    """Yields a problem if a resource's name does not have the form that its field requires."""
    form, rule = _FORMS[str(view.path[-1])]
    if view.is_given and not re.fullmatch(form, filled(view.text, str(view.path[-1]))):
        yield view.problem(f"must be {rule}")


def one_region(job: View) -> Iterator[Problem]:
    """Yields a problem if the resources are in several regions: a job and all its resources share one."""
    spec = job["trialJobSpec"]
    first, where = "", ""
    for view in (spec["tensorboard"], spec["experiment"], job["encryptionSpec"]["kmsKeyName"]):
        match = re.match(_LOCATION, filled(view.text, str(view.path[-1])))
        region = match[1] if match else ""
        if not region or f"/{region}/" not in view.text:  # a placeholder, which the user will replace
            continue
        if region not in REGIONS:
            yield view.problem(f"must be in a region that trains: one of {', '.join(REGIONS)}")
        elif first and region != first:
            yield view.problem(f"must be in the region of {where}, {first}")
        else:
            first, where = region, shown(view.path)


def _bucket(view: View) -> Iterator[Problem]:
    try:
        Location.parse(filled(view.text, next(name for name in reversed(view.path) if isinstance(name, str))))
    except UsageError:
        yield view.problem("must be a folder in a bucket, as in gs://bucket/folder")
