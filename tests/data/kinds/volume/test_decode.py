import functools
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.data.kinds.volume.files import compressed, gif, nifti, noise, npy
from tests.data.making import encoded
from trainer.data.form import Form
from trainer.data.kinds import archive
from trainer.data.kinds.volume import decode, survey
from trainer.data.kinds.volume.header import Header

BRAIN = Path(__file__).parents[4] / "shared" / "data" / "volumes" / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
ENDLESS = {"low": -math.inf, "high": math.inf}


@functools.lru_cache(32)
def _exported(form: Form) -> Callable[[tf.Tensor], tf.Tensor]:
    return tf.function(decode.exported(form), input_signature=[tf.TensorSpec((), tf.string)])


def _all(content: bytes, form: Form, in_graph: bool = True) -> np.ndarray:
    """Returns what each way to decode a file returns, which is the same."""
    header = Header.read(content)
    found = decode.read(content, form)
    ways = [decode.make_decoder([header], form)]
    if in_graph:
        ways.append(_exported(form))
    for way in ways:
        samples = tf.data.Dataset.from_tensors(content).map(way)
        assert samples.element_spec.shape == form.shape
        one = next(iter(samples))
        np.testing.assert_array_equal(one, found)
    assert found.dtype == (np.uint8 if form.is_bounded else np.float32)
    return found


@pytest.mark.parametrize(("channels", "dtype", "order"), [(1, "u1", "C"), (3, "f4", "F"), (4, "i2", "C")])
def test_an_array_of_the_form_stays_as_it_is(channels: int, dtype: str, order: Any) -> None:
    array = noise(4, 5, 6, channels).astype(dtype, order=order)
    form = Form((4, 5, 6), channels, **({} if dtype == "u1" else ENDLESS))
    np.testing.assert_array_equal(_all(npy(array), form), array)


def test_an_array_without_channels_has_one() -> None:
    array = noise(4, 5, 6)
    np.testing.assert_array_equal(_all(npy(array), Form((4, 5, 6), 1))[..., 0], array)
    np.testing.assert_array_equal(_all(npy(array), Form((4, 5, 6), 3)), np.repeat(array[..., None], 3, 3))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_gif_is_its_frames(channels: int) -> None:
    frames = noise(5, 8, 9)
    found = _all(gif(frames), Form((5, 8, 9), channels))
    np.testing.assert_array_equal(found, np.repeat(frames[..., None], channels, 3))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_archive_is_the_frames_of_a_video(channels: int) -> None:
    frames = noise(5, 8, 9, channels)
    content = archive.joined((f"{index}.png", encoded(frame)) for index, frame in enumerate(frames))
    assert Header.read(content) == Header("frames", (5, 8, 9), channels, True)
    np.testing.assert_array_equal(_all(content, Form((5, 8, 9), channels)), frames)
    assert _all(content, Form((3, 4, 4), 3)).std() > 1


def test_a_coloured_gif_is_grey_where_grey_is_asked_for() -> None:
    frames = np.zeros((2, 8, 9, 3), np.uint8)
    frames[..., 0] = 255
    assert (_all(gif(frames), Form((2, 8, 9), 1)) == 76).all()  # of red
    assert (_all(gif(frames), Form((2, 8, 9), 3)) == [255, 0, 0]).all()


def test_frames_that_are_parts_are_drawn_over_the_former_ones() -> None:
    frames = np.zeros((4, 16, 16), np.uint8)
    for index in range(4):
        frames[index, 2 : 4 + index, 5:9] = 200
    np.testing.assert_array_equal(_all(gif(frames, optimize=True), Form((4, 16, 16), 1))[..., 0], frames)


@pytest.mark.parametrize("make", [npy, gif])
def test_other_sizes_are_brought_to_the_form(make: Callable[[np.ndarray], bytes]) -> None:
    ramp = np.broadcast_to((np.arange(8) * 30)[:, None, None], (8, 12, 10)).astype(np.uint8)
    found = _all(make(ramp), Form((4, 6, 5), 1))[..., 0]
    assert np.ptp(found, axis=(1, 2)).max() == 0
    np.testing.assert_allclose(found[1:-1, 0, 0], [75, 135], atol=1)  # of 4 voxels each, weighted 1, 3, 3, 1


def test_nifti_is_turned_and_scaled() -> None:
    pytest.importorskip("nibabel")
    array = np.random.default_rng(0).integers(-99, 99, (4, 5, 6)).astype(np.int16)
    content = nifti(array, np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]), slope=0.5, inter=7)
    wanted = array.transpose(2, 0, 1)[:, ::-1, ::-1] * 0.5 + 7
    for one in (content, compressed(content)):
        found = _all(one, Form((6, 4, 5), 1, **ENDLESS), in_graph=False)
        np.testing.assert_allclose(found[..., 0], wanted)


def test_nifti_is_brought_to_one_spacing_about_its_middle() -> None:
    pytest.importorskip("nibabel")
    form = Form((8, 8, 8), 1, **ENDLESS, spacing=(1.0, 1.0, 1.0), unit="mm")
    fine = nifti(np.full((8, 8, 8), 5, np.int16), np.diag([0.5, 0.5, 1, 1]))
    found = _all(fine, form, in_graph=False)[..., 0]
    np.testing.assert_allclose(found, 5, rtol=1e-6)  # its least value goes on around it
    array = np.zeros((8, 8, 16), np.int16)
    array[:, :, 4:12] = 3
    cut = _all(nifti(array), form, in_graph=False)[..., 0]
    assert (cut == 3).all()
    array = np.full((4, 8, 8), 2, np.int16)
    array[0, 0, 0] = -1
    padded = _all(nifti(array), form, in_graph=False)[..., 0]
    assert (padded[:2] == -1).all()
    assert (padded[6:] == -1).all()
    np.testing.assert_array_equal(padded[2:6], array)


def test_nifti_of_another_spacing_is_the_same_body() -> None:
    pytest.importorskip("nibabel")
    form = Form((12, 12, 12), 1, **ENDLESS, spacing=(2.0, 2.0, 2.0), unit="mm")
    place = (np.arange(24) - 11.5)[:, None, None] + np.zeros((24, 24, 24))
    fine = _all(nifti(place.astype(np.float32)), form, in_graph=False)[..., 0]
    coarse = _all(nifti(place[::2].astype(np.float32) + 0.5, np.diag([2, 1, 1, 1])), form, in_graph=False)[..., 0]
    np.testing.assert_allclose(fine[1:-1], coarse[1:-1], atol=1e-4)


def test_reads_a_real_brain() -> None:
    nibabel = pytest.importorskip("nibabel")
    if not BRAIN.is_file():
        pytest.skip("no volumes beside the project")
    content = BRAIN.read_bytes()
    header = Header.read(content[:4096])
    assert (header.sizes, header.channels, header.spacing) == ((197, 233, 189), 1, (1.0, 1.0, 1.0))
    theirs = nibabel.as_closest_canonical(nibabel.load(BRAIN)).get_fdata(dtype=np.float32)
    found = decode.read(content, Form((20, 24, 19), 1, **ENDLESS))
    assert abs(found.mean() - theirs.mean()) < 0.5
    assert np.corrcoef(found[:, ::-1].ravel(), found.ravel())[0, 1] < 0.95  # the front is not the back


def _saved(*shape: int, fill: float = 0) -> bytes:
    return npy(np.full(shape, fill, np.float32))


@pytest.mark.parametrize(
    ("content", "form", "message"),
    [
        (_saved(4, 4, 4, 2), Form((4, 4, 4), 1), "as many channels as the others, 1"),
        (_saved(4, 4, 4, 1), Form((4, 4, 4), 2), "as many channels as the others, 2"),
        (_saved(4, 4, 4, fill=256), Form((4, 4, 4), 1), "from 0 to 255"),
        (_saved(4, 4, 4, fill=-1), Form((4, 4, 4), 1), "from 0 to 255"),
        (_saved(4, 4, 4, fill=math.nan), Form((4, 4, 4), 1, **ENDLESS), "finite numbers"),
        (_saved(4, 4, 4, fill=math.inf), Form((2, 2, 2), 1, **ENDLESS), "finite numbers"),
        (_saved(4, 4, 4)[:-1], Form((4, 4, 4), 1), "the bytes that its shape requires"),
        (_saved(4, 4, 4) + b"\0", Form((4, 4, 4), 1), "the bytes that its shape requires"),
        (gif(noise(3, 5, 5)), Form((3, 5, 5), 2), "as many channels as the others, 2"),
    ],
)
def test_rejects_what_does_not_fit(content: bytes, form: Form, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode.read(content, form)
    for way in (decode.make_decoder([Header.read(content)], form), _exported(form)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            next(iter(tf.data.Dataset.from_tensors(content).map(way)))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\x1f\x8b"])
def test_rejects_other_files_in_a_graph(content: bytes) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="a volume must be NIfTI, .npy or GIF"):
        _exported(Form((4, 4, 4), 1))(tf.constant(content))


def test_a_broken_compressed_file_is_named_in_one_line() -> None:
    pytest.importorskip("nibabel")
    sound = compressed(nifti(np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32)))
    form = Form((9, 9, 9), 1, **ENDLESS)
    for content, message in (
        (sound[:900], "a broken gzip file: "),
        (sound[:-5] + bytes(5), "a broken gzip file: "),
        (compressed(nifti(np.zeros((9, 9, 9), np.float32))[:900]), "truncated NIfTI file: 900 bytes of 3,268"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            decode.read(content, form)
        assert "\n" not in str(caught.value)
        with pytest.raises(ValueError, match=message):
            survey.check(content)


def test_a_volume_that_is_too_long_for_the_model_is_refused() -> None:
    pytest.importorskip("nibabel")
    form = Form((4, 4, 4), 1, **ENDLESS, spacing=(1.0, 1.0, 1.0), unit="mm")
    with pytest.raises(ValueError, match="at most 4 times as long"):
        decode.read(nifti(np.zeros((4, 4, 4), np.int16), np.diag([99, 1, 1, 1])), form)


@pytest.mark.parametrize("name", ["npy", "gif", "nifti", "compressed"])
def test_whatever_is_broken_ends_in_a_plain_error(name: str) -> None:
    if name in ("nifti", "compressed"):
        pytest.importorskip("nibabel")
    array = noise(3, 6, 7)
    sound = {
        "npy": lambda: npy(array),
        "gif": lambda: gif(array),
        "nifti": lambda: nifti(array),
        "compressed": lambda: compressed(nifti(array)),
    }[name]()
    chance, form = random.Random(0), Form((3, 6, 7), 1, **ENDLESS)
    for _ in range(150):
        broken = bytearray(sound)
        for _ in range(chance.randint(1, 3)):
            broken[chance.randrange(min(len(broken), 400))] = chance.randrange(256)
        content = bytes(broken[: chance.randrange(len(broken))] if chance.random() < 0.2 else broken)
        try:
            Header.read(content)
            survey.describe(content)
            assert decode.read(content, form).shape == (3, 6, 7, 1)
        except ValueError as error:
            assert "\n" not in str(error)


def test_describes_and_summarizes() -> None:
    array = noise(4, 5, 6)
    found = [survey.describe(one) for one in (npy(array), npy(array.astype(np.float32) - 300), gif(noise(4, 8, 6, 3)))]
    assert found[0]["format"] == "npy"
    assert found[0]["sizes"] == [4, 5, 6]
    np.testing.assert_allclose(found[0]["mean"], array.mean())
    np.testing.assert_allclose(found[0]["square"], np.square(array, dtype=float).mean())
    summary = survey.summarize(found)
    assert summary["formats"] == {"GIF": 1, "npy": 2}
    assert summary["channels"] == {"1": 2, "3": 1}
    assert summary["height"] == {"smallest": 5, "median": 5, "largest": 8}
    assert summary["minimum"] == array.min() - 300.0
    assert summary["spacing"] == []
    survey.check(npy(array), 1)
    survey.check(npy(array), 3)
    with pytest.raises(ValueError, match="as many channels"):
        survey.check(npy(array), 2)


def test_files_of_several_formats_are_decoded_by_one_function() -> None:
    pytest.importorskip("nibabel")
    array = noise(4, 5, 6)
    contents = [npy(array), gif(array), nifti(array), compressed(nifti(array))]
    headers = [Header.read(content) for content in contents]
    form = Form((4, 5, 6), 1, **ENDLESS)
    samples = tf.data.Dataset.from_tensor_slices(contents).map(decode.make_decoder(headers, form))
    for found in samples:
        np.testing.assert_array_equal(found[..., 0], array)
    bounded = decode.make_decoder(headers, Form((4, 5, 6), 1))
    assert bounded(tf.constant(contents[2])).dtype == tf.uint8  # outside a graph too


def test_a_saved_model_decodes_alone(tmp_path: Path) -> None:
    module, form = tf.Module(), Form((4, 5, 6), 1)
    module.decode = _exported(form)
    tf.saved_model.save(module, str(tmp_path))
    array = noise(4, 5, 6)
    loaded = tf.saved_model.load(str(tmp_path))
    for content in (npy(array), gif(array)):
        np.testing.assert_array_equal(loaded.decode(tf.constant(content))[..., 0], array)
