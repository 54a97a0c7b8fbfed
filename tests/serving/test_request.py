import base64
import json
import math

import numpy as np
import pytest

from trainer.data.form import Form
from trainer.serving import request
from trainer.serving.request import MalformedError

_B64 = base64.b64encode(b"\x89image").decode()
_GREY = [[0, 255, 1.5], [3, 4, 5]]
_FORM = Form((2, 3), 1)


@pytest.mark.parametrize(
    "one",
    [
        {"b64": _B64},
        {"image_bytes": {"b64": _B64}},
        {"b64": f"{_B64[:4]}\r\n{_B64[4:]}\n"},  # in lines, as MIME and `base64` write it
    ],
)
def test_takes_encoded_images(one: object) -> None:
    body = json.dumps({"instances": [one, one], "parameters": {"ignored": 1}}).encode()
    assert request.instances(body, _FORM) == [b"\x89image"] * 2


@pytest.mark.parametrize("one", [_GREY, {"image": _GREY}, [[[value] for value in row] for row in _GREY]])
def test_takes_pixels(one: object) -> None:
    (found,) = request.instances(json.dumps({"instances": [one]}).encode(), _FORM)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[..., 0], np.array(_GREY, np.float32))


@pytest.mark.parametrize("sizes", [(4,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("channels", [1, 2])
def test_takes_values_of_any_rank(sizes: tuple[int, ...], channels: int) -> None:
    form = Form(sizes, channels, low=-1.0, high=1.0)
    values = np.linspace(-1, 1, num=np.prod(form.shape), dtype=np.float32).reshape(form.shape)
    given = [values, values[..., 0]] if channels == 1 else [values]  # one channel may lack its axis
    body = json.dumps({"instances": [one.tolist() for one in given]}).encode()
    for found in request.instances(body, form):
        np.testing.assert_array_equal(found, values)
    body = json.dumps({"instances": [(2 * values).tolist()]}).encode()
    with pytest.raises(MalformedError, match=r"must be numbers from -1 to 1 in the shape \["):
        request.instances(body, form)


_SIGNAL = Form((3,), 2, low=-math.inf, high=math.inf, centre=(0.0, 1.0), spread=(1.0, 2.0))


def test_takes_any_finite_values_of_a_form_without_bounds() -> None:
    values = [[-1e6, 0.5], [2.0, 3e30], [4, 5]]
    body = json.dumps({"instances": [values, {"signal": values}, {"signal_bytes": {"b64": _B64}}]}).encode()
    *found, encoded = request.instances(body, _SIGNAL, "signal")
    for one in found:
        np.testing.assert_array_equal(one, np.array(values, np.float32))
    assert encoded == b"\x89image"


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        ("[[0, 1], [2, 3]]", "instances[0] must be numbers in the shape [3, 2]. Received: [2, 2]"),
        ("[0, 1, 2]", "instances[0] must be numbers in the shape [3, 2]. Received: [3]"),
        ("[[0, 1], [2, 3], [NaN, 1]]", "instances[0] must be numbers in the shape [3, 2]"),
        ("[[0, 1], [2, 3], [Infinity, 1]]", "instances[0] must be numbers in the shape [3, 2]"),
        ('{"image": [[0, 1], [2, 3], [4, 5]]}', 'instances[0] must be {"b64": …} or a list of values'),
        ('{"image_bytes": {"b64": "AAAA"}}', 'instances[0] must be {"b64": …} or a list of values'),
        ('{"b64": "?"}', "instances[0].b64 must be a signal in base64"),
    ],
)
def test_rejects_what_is_no_sample_of_a_form_without_bounds(instance: str, message: str) -> None:
    with pytest.raises(MalformedError) as raised:
        request.instances(f'{{"instances": [{instance}]}}'.encode(), _SIGNAL, "signal")
    assert str(raised.value) == message


_NO_INSTANCES = r'the body must be \{"instances": \[…\]\}'
_NO_PIXELS = r"instances\[0\] must be numbers from 0 to 255 in the shape \[2, 3, 1\]"


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"", "the body must be JSON"),
        (b"\xff\xfe", "the body must be JSON"),
        (b"[" * 200_000, "the body must be JSON"),
        (b"{", "the body must be JSON"),
        (b"1" * 10_000, "the body must be JSON"),
        (b"null", _NO_INSTANCES),
        (b"[]", _NO_INSTANCES),
        (b"{}", _NO_INSTANCES),
        (b'{"instances": []}', _NO_INSTANCES),
        (b'{"instances": {"b64": ""}}', _NO_INSTANCES),
        (b'{"instances": ["abc"]}', r"instances\[0\] must be \{.b64.: …\} or a list of values"),
        (b'{"instances": [{"b64": "", "more": 1}]}', r"instances\[0\] must be"),
        (b'{"instances": [{"b64": "YQ=="}, 7]}', r"instances\[1\] must be"),
        (b'{"instances": [{"b64": "a"}]}', r"instances\[0\].b64 must be an image in base64"),
        (b'{"instances": [{"b64": "&&&&"}]}', r"instances\[0\].b64 must be an image in base64"),
        ('{"instances": [{"b64": "é"}]}'.encode(), r"instances\[0\].b64 must be an image in base64"),
        (b'{"instances": [{"b64": null}]}', r"instances\[0\].b64 must be an image in base64"),
        (b'{"instances": [{"image_bytes": "YQ=="}]}', r"instances\[0\] must be"),
        (b'{"instances": [[1, 2]]}', rf"{_NO_PIXELS}. Received: \[2\]"),
        (b'{"instances": [[[1, 2], [3]]]}', f"{_NO_PIXELS}. Received: rows of unequal length"),
        (b'{"instances": [[[1, 2, 3], [4, 5, 256]]]}', _NO_PIXELS),
        (b'{"instances": [[[1, 2, 3], [4, 5, -1]]]}', _NO_PIXELS),
        (b'{"instances": [[[1, 2, 3], [4, 5, NaN]]]}', _NO_PIXELS),
        (b'{"instances": [[[1, 2, 3], [4, 5, 1e999]]]}', _NO_PIXELS),
        (b'{"instances": [[[1, 2, 3], [4, 5, 1%s]]]}' % (b"0" * 400), _NO_PIXELS),
        (b'{"instances": [[[1, 2, 3], [4, 5, "6"]]]}', _NO_PIXELS),
        (b'{"instances": [[[1, 2, 3], [4, 5, null]]]}', _NO_PIXELS),
        (b'{"instances": [[[1, 2, 3], [4, 5, {}]]]}', _NO_PIXELS),
        (b'{"instances": [[]]}', _NO_PIXELS),
    ],
)
def test_rejects_what_breaks_the_contract(body: bytes, match: str) -> None:
    with pytest.raises(MalformedError, match=match):
        request.instances(body, _FORM)
