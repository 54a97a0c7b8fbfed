import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests import forked
from tests.serving import models
from trainer import serve
from trainer.serving.options import Options


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.exported(tmp_path_factory.mktemp("exported"), models.build())


@pytest.fixture
def process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A server as Vertex AI starts it, but on a port that is free."""
    variables = {
        **os.environ,
        "AIP_HTTP_PORT": "0",
        "AIP_STORAGE_URI": str(folder),
        "AIP_HEALTH_ROUTE": "/ping",
        "AIP_PREDICT_ROUTE": "/v1:predict",
    }
    command = [sys.executable, "-m", "trainer.serve"]
    with forked.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listens on http://0.0.0.0:"), (line, process.stderr and process.stderr.read())
    assert line.endswith("/v1:predict\n")
    return int(line.rpartition(":")[0].rpartition(":")[2].partition("/")[0])


def _body(count: int) -> str:
    images = models.encoded(models.pixels(count))
    return json.dumps({"instances": [{"b64": base64.b64encode(image).decode()} for image in images]})


def test_serves_as_a_container_and_ends_after_its_last_answer(process: subprocess.Popen[str]) -> None:
    port = _port(process)
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request("GET", "/ping")
    assert client.getresponse().read() == b'{"status":"ok"}'
    client.request("POST", "/v1:predict", _body(3))
    predictions = json.loads(client.getresponse().read())["predictions"]
    expected = models.probabilities(models.build(), models.pixels(3))
    np.testing.assert_allclose([one["probabilities"] for one in predictions], expected, atol=1e-5)

    body = _body(300).encode()  # half of which has come when the signal comes
    with socket.create_connection(("127.0.0.1", port), timeout=30) as asking:
        head = f"POST /v1:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        asking.sendall(head.encode() + body[:5000])
        client.request("GET", "/ping")  # whose answer shows that the former has arrived
        client.getresponse().read()
        process.send_signal(signal.SIGTERM)
        asking.sendall(body[5000:])
        client.close()
        answer = b"".join(iter(lambda: asking.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert len(json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"]) == 300
    assert process.wait(30) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_rejects_an_address_that_is_taken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert serve.main([f"--model={folder}", f"--port={port}"], {}) == 2
    assert f"must be an address to listen on. Received: 127.0.0.1:{port} (Address already in use)" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "`--model` must be the folder model/ of a finished run. Received: nothing"),
        (["--model=nowhere", "--port=0"], "Received: nowhere (model.json: No such file or directory)"),
    ],
)
def test_rejects_what_breaks_a_rule(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main(arguments, {}) == 2
    assert message in capsys.readouterr().err


def test_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main(["--help"], {}) == 0
    assert "AIP_STORAGE_URI" in capsys.readouterr().out


def test_sends_the_body_of_an_answer_without_waiting_for_the_header_to_be_acknowledged() -> None:
    options = Options(model="", port=0)
    with serve.listening(options) as listening:
        listening.listen()
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
        with client, accepted:
            assert accepted.proto == socket.IPPROTO_TCP  # by which asyncio decides on TCP_NODELAY
