import io
import random
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from trainer.data.kinds import npy

TYPES = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")


def saved(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    written = io.BytesIO()
    np.lib.format.write_array(written, array, version)
    return written.getvalue()


def _with_header(text: str, body: bytes = bytes(24), version: int = 1) -> bytes:
    size = 2 if version == 1 else 4
    return npy.MAGIC + bytes((version, 0)) + len(text).to_bytes(size, "little") + text.encode("latin-1") + body


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", TYPES)
def test_is_what_numpy_reads(dtype: str, order: str) -> None:
    chance = np.random.default_rng(0)
    for shape in ((5,), (1, 4), (2, 3, 4), (2, 3, 4, 2)):
        for is_fortran in (False, True):
            array = (chance.normal(0, 40, shape)).astype(np.dtype(order + dtype), order="F" if is_fortran else "C")
            for version in ((1, 0), (2, 0), (3, 0)):
                content = saved(array, version)
                header = npy.header(content[:200])
                assert header.shape == shape
                assert header.dtype == array.dtype
                assert header.fortran_order == (array.flags.f_contiguous and not array.flags.c_contiguous)
                assert content[header.offset :] == array.tobytes("F" if header.fortran_order else "C")
                decoded = npy.decode(tf.constant(content))
                assert decoded.dtype == tf.float32
                np.testing.assert_array_equal(decoded, array.astype(np.float32) * (255 if dtype == "?" else 1))


def test_values_are_decoded_in_any_graph() -> None:
    content = saved(np.arange(24.0).reshape(2, 3, 4))
    within = tf.function(npy.decode, input_signature=[tf.TensorSpec((), tf.string)])
    assert within.get_concrete_function().structured_outputs.shape.rank is None
    mapped = tf.data.Dataset.from_tensors(content).map(npy.decode)
    for found in (within(tf.constant(content)), next(iter(mapped))):
        np.testing.assert_array_equal(found, np.arange(24.0).reshape(2, 3, 4))


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L, 4L), }   \n",
        '{"shape": (2,3,4,), "fortran_order": False, "descr": "|u1"}',
        "{'fortran_order': False, 'shape': ( 2 , 3 , 4 ), 'descr':'|u1'}",
    ],
)
def test_headers_of_other_programs_are_read(text: str) -> None:
    for version in (1, 2, 3):
        content = _with_header(text, version=version)
        assert npy.header(content).shape == (2, 3, 4)
        assert npy.decode(tf.constant(content)).shape == (2, 3, 4)


BROKEN = [
    (b"", "not an .npy file"),
    (b"\x93NUMP", "not an .npy file"),
    (b"\x93NUMPY\1", "a truncated header"),
    (b"\x93NUMPY\1\0\xff\0{'descr'", "a truncated header"),
    (b"\x93NUMPY\4\0\1\0\0\0\0\0\0", "version 4"),
    (b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(100), "a header of 4,294,967,295 bytes"),
    (_with_header("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}"), "objects or records"),
    (_with_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}"), "objects or records"),
    (_with_header("{'descr': '<U3', 'fortran_order': False, 'shape': (2,)}"), "values must be of the types"),
    (_with_header("{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}"), "values must be of the types"),
    (_with_header("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3)}"), "none empty"),
    (_with_header("{'descr': '|u1', 'fortran_order': False}"), "must have a NumPy header"),
    (_with_header("{'descr': '|u1', 'descr': '|u1', 'shape': (24,)}"), "must have a NumPy header"),
    (_with_header("{'descr': '|u1', 'fortran_order': 0, 'shape': (24,)}"), "must have a NumPy header"),
    (_with_header("__import__('os').abort()"), "must have a NumPy header"),
    (_with_header("{'descr': '|u1', 'fortran_order': False, 'shape': (" + "1, " * 9 + ")}"), "1 to 8 axes"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_rejects_what_is_no_array_of_numbers(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        npy.header(content)
    with pytest.raises(tf.errors.InvalidArgumentError):
        npy.decode(tf.constant(content))


@pytest.mark.parametrize("shape", [(25,), (23,), (2**32, 2**32), (999999999999999999,) * 4])
def test_rejects_a_length_that_the_shape_does_not_say(shape: tuple[int, ...]) -> None:
    content = _with_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}")
    assert npy.header(content).shape == shape
    with pytest.raises(tf.errors.InvalidArgumentError, match="the bytes that its shape requires"):
        npy.decode(tf.constant(content))


def _outcome(read: Any, *errors: type[Exception]) -> Any:
    try:
        return read()
    except errors:
        return None


def test_whatever_is_broken_is_refused_alike_and_plainly() -> None:
    chance = random.Random(0)
    sound = saved(np.random.default_rng(0).integers(0, 999, (4, 5, 6)).astype(np.uint16))
    for _ in range(400):
        broken = bytearray(sound)
        for _ in range(chance.randint(1, 3)):
            broken[chance.randrange(140)] = chance.randrange(256)
        content = bytes(broken[: chance.randrange(len(broken))] if chance.random() < 0.2 else broken)
        header = _outcome(lambda c=content: npy.header(c), ValueError)
        decoded = _outcome(lambda c=content: npy.decode(tf.constant(c)), tf.errors.InvalidArgumentError)
        if decoded is not None:
            assert header.shape == tuple(decoded.shape)
            theirs = _outcome(lambda c=content: np.load(io.BytesIO(c)), ValueError)
            if theirs is not None:
                np.testing.assert_array_equal(decoded, theirs.astype(np.float32))
