import pytest

from trainer.errors import UsageError
from trainer.serving.options import Options

_VERTEX = {
    "AIP_HTTP_PORT": "9000",
    "AIP_HEALTH_ROUTE": "/v1/endpoints/1/deployedModels/2",
    "AIP_PREDICT_ROUTE": "/v1/endpoints/1/deployedModels/2:predict",
    "AIP_STORAGE_URI": "gs://bucket/model",
}


def test_listens_on_this_machine_alone_unless_told() -> None:
    options = Options.read(["--model=m"], {})
    assert options == Options(model="m")
    assert (options.host, options.port, options.health_route, options.predict_route) == (
        "127.0.0.1",
        8080,
        "/health",
        "/predict",
    )


def test_the_environment_of_a_container_says_the_rest() -> None:
    options = Options.read([], _VERTEX)
    assert (options.model, options.host, options.port) == ("gs://bucket/model", "0.0.0.0", 9000)
    assert (options.health_route, options.predict_route) == (_VERTEX["AIP_HEALTH_ROUTE"], _VERTEX["AIP_PREDICT_ROUTE"])


def test_flags_go_before_the_environment() -> None:
    arguments = ["--model", "m", "--host=::1", "--port=0", "--max-batch=8", "--max_wait_ms=2"]
    options = Options.read(arguments, _VERTEX)
    assert (options.model, options.host, options.port, options.max_batch, options.max_wait_ms) == ("m", "::1", 0, 8, 2)


@pytest.mark.parametrize(
    ("arguments", "variables", "match"),
    [
        ([], {}, "`--model` must be the folder model/ of a finished run. Received: nothing"),
        (["--model=m", "--prt=1"], {}, "`--prt` is not a flag. Did you mean --port?"),
        (["--model=m", "--port"], {}, "`--port` must have a value"),
        (["--model=m", "more"], {}, "more"),
        (["--model=m", "--port=70000"], {}, "`--port` must be a whole number from 0 to 65,535. Received: 70000"),
        (["--model=m"], {"AIP_HTTP_PORT": "http"}, "`--port` must be a whole number from 0 to 65,535. Received: http"),
        (["--model=m", "--max_batch=0"], {}, "`--max_batch` must be a whole number from 1 to 4,096. Received: 0"),
        (["--model=m", "--max_wait_ms=-1"], {}, "`--max_wait_ms` must be a whole number from 0"),
        (
            ["--model=m"],
            {"AIP_HEALTH_ROUTE": "health"},
            "`AIP_HEALTH_ROUTE` must be a path, as in /predict",
        ),
        (["--model=m"], {"AIP_PREDICT_ROUTE": "/{x"}, "`AIP_PREDICT_ROUTE` must be a path"),
    ],
)
def test_rejects_what_breaks_a_rule(arguments: list[str], variables: dict[str, str], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        Options.read(arguments, variables)
