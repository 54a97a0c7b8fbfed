import sys

import pytest

from tests.gcs.server import serve
from trainer.buckets.objects.client import connect
from trainer.errors import UsageError


@pytest.mark.parametrize("form", ["{url}", "{url}/", "{host}", "{host}/"])
def test_an_emulator_needs_no_credentials(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    with serve() as server:
        server.put("bucket", "a", b"content")
        given = form.format(url=server.url, host=server.url.removeprefix("http://"))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", given)
        client = connect(40)
        assert client.bucket("bucket").blob("a").download_as_bytes() == b"content"
        assert [blob.name for blob in client.list_blobs("bucket")] == ["a"]
        assert client._http.get_adapter(server.url)._pool_maxsize == 40
        client.close()


def test_names_the_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud", None)
    with pytest.raises(UsageError, match=r"package google-cloud-storage: .* -m pip install .*\[gcs\]'$"):
        connect(1)


def test_names_the_credentials_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from google import auth

    def default(**given: object) -> None:
        raise auth.exceptions.DefaultCredentialsError("none")

    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(auth, "default", default)
    with pytest.raises(UsageError, match=r"^`gs://…` needs Google credentials: gcloud auth application-default login"):
        connect(1)
