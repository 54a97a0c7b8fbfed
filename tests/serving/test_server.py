import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tests.serving import models
from tests.serving.served import Client, served
from trainer.data.form import Form
from trainer.data.kinds.image.kind import IMAGE
from trainer.serving import server
from trainer.serving.options import Options
from trainer.serving.predictor import Predictor

_OPTIONS = Options(model="", health_route="/v1/health", predict_route="/v1/endpoints/1/deployedModels/2:predict")


@pytest.fixture(scope="module")
def client(predictor: Predictor) -> Iterator[Client]:
    with served(server.app(predictor, _OPTIONS)) as client:
        yield client


def _b64(image: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(image).decode()}


def _ask(client: Client, *instances: Any) -> list[dict[str, Any]]:
    status, _, answer = client.post(_OPTIONS.predict_route, *instances)
    assert status == 200, answer
    return answer["predictions"]  # type: ignore[no-any-return]


def test_answers_bytes_and_arrays_as_the_model_does(client: Client) -> None:
    images = models.pixels(3)
    encoded = models.encoded(images)
    predictions = _ask(client, _b64(encoded[0]), images[1].tolist(), _b64(encoded[2]))
    for prediction, expected in zip(predictions, models.probabilities(models.build(), images), strict=True):
        np.testing.assert_allclose(prediction["probabilities"], expected, atol=1e-5)
        assert prediction["class"] == models.CLASSES[expected.argmax()]
        assert prediction["probability"] == max(prediction["probabilities"])


def test_many_clients_at_once_get_each_its_own_answer(client: Client) -> None:
    images = models.pixels(64)
    expected = models.probabilities(models.build(), images)
    with ThreadPoolExecutor(16) as clients:
        found = list(clients.map(lambda image: _ask(client, _b64(image))[0]["probabilities"], models.encoded(images)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_is_healthy(client: Client) -> None:
    assert client.ask("GET", _OPTIONS.health_route)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", _OPTIONS.predict_route, b"{", 400, "the body must be JSON"),
        ("POST", _OPTIONS.predict_route, b'{"instances": [[1]]}', 400, "instances[0] must be numbers from 0 to 255"),
        ("POST", _OPTIONS.predict_route, b'{"instances": [{"b64": ""}]}', 400, "Received: an empty file"),
        ("POST", _OPTIONS.predict_route, b" " * (server.MAXIMUM_BODY + 1), 413, "at most 1,572,864 bytes"),
        ("GET", _OPTIONS.predict_route, None, 405, "Method Not Allowed"),
        ("POST", _OPTIONS.health_route, None, 405, "Method Not Allowed"),
        ("GET", "/elsewhere", None, 404, "Not Found"),
    ],
)
def test_rejects_with_a_message(
    client: Client, method: str, path: str, body: bytes | None, status: int, message: str
) -> None:
    found, _, answer = client.ask(method, path, body)
    assert found == status
    assert message in answer["error"]
    assert client.ask("GET", _OPTIONS.health_route)[0] == 200


def test_rejects_a_body_that_grows_too_large(client: Client) -> None:
    parts = (b" " * 400_000 for _ in range(4))  # chunked: nobody has said how long it is
    assert client.ask("POST", _OPTIONS.predict_route, parts)[0] == 413


def test_a_broken_image_is_named_and_spoils_no_other_request(client: Client) -> None:
    sound = models.encoded(models.pixels(2))
    broken = sound[0][:60]  # its header is sound
    for _ in range(3):
        with ThreadPoolExecutor(2) as clients:
            other = clients.submit(_ask, client, _b64(sound[1]))
            status, _, answer = client.post(_OPTIONS.predict_route, _b64(sound[0]), _b64(broken))
            assert other.result()[0]["class"] in models.CLASSES
        assert status == 400
        assert answer["error"].startswith("instances[1] must be an image. Received: ")


class SlowPredictor:
    """Takes its time over the first batch, until it may go on."""

    form = Form(models.SHAPE[:2], models.SHAPE[2])
    kind = IMAGE

    def __init__(self) -> None:
        self.is_called, self.may_go_on = threading.Event(), threading.Event()

    def of_encoded(self, images: list[bytes]) -> list[Any]:
        self.is_called.set()
        self.may_go_on.wait(10)
        raise MemoryError("a fault of the server's own")


def test_says_503_where_too_much_is_waiting_and_500_where_it_fails() -> None:
    slow: Any = SlowPredictor()
    options = Options(model="", max_batch=1)
    with served(server.app(slow, options)) as client, ThreadPoolExecutor(1) as other:
        first = other.submit(client.post, "/predict", *[_b64(b"x")] * 1100)
        assert slow.is_called.wait(10)
        status, headers, _ = client.post("/predict", _b64(b"y"))
        assert (status, headers["retry-after"]) == (503, "1")
        slow.may_go_on.set()
        status, _, answer = first.result()
        assert (status, answer) == (500, {"error": "the model could not answer"})
        assert client.ask("GET", "/health")[0] == 200
