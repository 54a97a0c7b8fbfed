"""Locations in a bucket, and objects of any name."""

import gzip
from pathlib import Path
from random import Random

from tests.fuzz import making
from tests.fuzz.case import Run
from tests.gcs.server import serve
from trainer.buckets.fetch import fetch
from trainer.buckets.location import Location
from trainer.buckets.objects.patience import Patience

_ENCODINGS = ("", "", "gzip", "gzip", "identity", "br", "GZIP, gzip", "utf-8", "x")
_HASTY = Patience(seconds=0.2, first=0.001, longest=0.01)


def location(random: Random, folder: Path) -> Run:
    """What a flag names."""
    text = random.choice(("gs://", "gs:/", "", "gs://bucket/")) + making.text(random)
    return lambda: Location.parse(text) and None


def objects(random: Random, folder: Path) -> Run:
    """A folder of a fake bucket."""
    names = ["owner.json", "hparams.json", "a.gz", "a", "a/", "b/a"]
    stored = {}
    for _ in range(random.randrange(1, 6)):
        name = random.choice((random.choice(names), making.text(random), "/".join([making.text(random)] * 2)))
        content = random.choice((b"", b"content", gzip.compress(b"content"), random.randbytes(20)))
        encoding = random.choice(_ENCODINGS)
        stored[name] = (making.damaged(random, content) if random.random() < 0.2 else content, encoding)
    where = random.choice(("gs://bucket/data", "gs://bucket", "gs://bucket/data/a"))

    def run() -> None:
        with serve(rate_limit=False) as server:
            bucket = server.client().bucket("bucket")
            for name, (content, encoding) in stored.items():
                blob = bucket.blob(f"data/{name}")
                blob.content_encoding = encoding or None
                try:
                    blob.upload_from_string(content, retry=None)
                except Exception:  # the service takes no such name
                    continue
            found = fetch(where, folder / "cache", log=lambda line: None, client=server.client(), patience=_HASTY)
            assert found.exists()
            assert fetch(where, folder / "cache", log=_fail, client=server.client(), patience=_HASTY) == found

    return run


def _fail(line: str) -> None:
    if not line.startswith("leaves out "):
        raise AssertionError(f"fetched twice: {line}")
