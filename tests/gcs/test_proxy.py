"""TensorFlow's own gs:// file system against the fake."""

import os
import sys
from pathlib import Path

import pytest
import requests

from tests import forked
from tests.gcs.proxy import through_tls
from tests.gcs.server import serve

PROGRAM = """
import tensorflow as tf

files = tf.io.gfile
assert files.GFile("gs://bucket/from-python", "rb").read() == b"from python"
with files.GFile("gs://bucket/folder/text", "w") as file:
    file.write("hello" * 100_000)
assert files.GFile("gs://bucket/folder/text").read() == "hello" * 100_000
writer = tf.summary.create_file_writer("gs://bucket/logs")
with writer.as_default():
    for step in range(3):
        tf.summary.scalar("loss", 1.0 / (step + 1), step)
        writer.flush()
writer.close()
(events,) = files.glob("gs://bucket/logs/events*")
steps = [event.step for event in tf.compat.v1.train.summary_iterator(events) if event.summary.value]
assert steps == [0, 1, 2], steps
assert sorted(files.listdir("gs://bucket/")) == ["folder/", "from-python", "logs/"]
files.rename("gs://bucket/folder/text", "gs://bucket/renamed")
assert not files.exists("gs://bucket/folder/text")
files.remove("gs://bucket/from-python")
"""


def test_tensorflow_reads_and_writes(tmp_path: Path) -> None:
    with serve() as server, through_tls(server, tmp_path) as variables:
        server.client().bucket("bucket").blob("from-python").upload_from_string(b"from python")
        environment = {**os.environ, **variables, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-c", PROGRAM]
        program = forked.run(command, env=environment, capture_output=True, text=True)
        assert program.returncode == 0, program.stderr
        objects = server.objects("bucket")
        assert objects.pop("renamed") == b"hello" * 100_000
        (log,) = (name for name in objects if "events" in name)
        assert set(objects) == {log, "logs/"}
        sent = [record for record in server.requests if record.name == log and record.operation == "resumable.chunk"]
        assert sum(record.received for record in sent) > 2 * len(objects[log])  # the whole log at every flush


def test_only_google_is_answered_for(tmp_path: Path) -> None:
    with serve() as server, through_tls(server, tmp_path) as variables, requests.Session() as session:
        server.put("bucket", "x", b"hello")
        session.verify, session.trust_env = variables["CURL_CA_BUNDLE"], False
        session.proxies = {"https": variables["https_proxy"]}
        assert session.get("https://storage.googleapis.com/bucket/x").content == b"hello"
        start = session.post(
            "https://www.googleapis.com/upload/storage/v1/b/bucket/o?uploadType=resumable&name=y"
        ).headers["Location"]
        assert start.startswith("https://www.googleapis.com/upload/storage/v1/b/bucket/o?")
        assert session.put(start, b"through the proxy").status_code == 200
        assert server.objects("bucket")["y"] == b"through the proxy"
        with pytest.raises(requests.exceptions.ProxyError, match="403"):
            session.get("https://example.com/")


def test_ends_while_a_client_is_connected(tmp_path: Path) -> None:
    with requests.Session() as session:
        with serve() as server, through_tls(server, tmp_path) as variables:
            session.verify, session.trust_env = variables["CURL_CA_BUNDLE"], False
            session.proxies = {"https": variables["https_proxy"]}
            assert session.get("https://storage.googleapis.com/storage/v1/b/bucket").status_code == 200
        with pytest.raises(requests.exceptions.ConnectionError):
            session.get("https://storage.googleapis.com/storage/v1/b/bucket")
