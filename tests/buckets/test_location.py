import pytest

from trainer.buckets.location import Location, is_remote
from trainer.errors import UsageError


def test_a_folder_in_a_bucket() -> None:
    place = Location.parse("gs://my-bucket.x/runs/1/")
    assert (place, str(place), place.prefix) == (
        Location("my-bucket.x", "runs/1"),
        "gs://my-bucket.x/runs/1",
        "runs/1/",
    )


@pytest.mark.parametrize("text", ["gs://bucket", "gs://bucket/"])
def test_a_whole_bucket(text: str) -> None:
    place = Location.parse(text)
    assert (place, str(place), place.prefix) == (Location("bucket", ""), "gs://bucket", "")


def test_tells_a_bucket_from_a_folder() -> None:
    assert [is_remote(text) for text in ("gs://bucket/a", "/gcs/bucket/a", "gs:/a", "")] == [True, False, False, False]


@pytest.mark.parametrize(
    "text", ["", "bucket/a", "gs://", "gs://B/a", "gs://bucket/a//b", "gs://bucket/../a", "gs://b"]
)
def test_rejects_what_is_no_folder_in_a_bucket(text: str) -> None:
    with pytest.raises(UsageError, match=f"must be a bucket, or a folder in one, .* Received: {text}$"):
        Location.parse(text)
