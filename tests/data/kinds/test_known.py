from typing import Any

import pytest

from trainer.data.form import Form
from trainer.data.kinds import known
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.signal.kind import SIGNAL
from trainer.data.kinds.volume.kind import VOLUME
from trainer.errors import UsageError


@pytest.mark.parametrize(("kind", "sizes"), [(SIGNAL, (9,)), (IMAGE, (9, 8)), (VOLUME, (9, 8, 7))])
def test_a_form_says_its_kind(kind: Kind[Any], sizes: tuple[int, ...]) -> None:
    assert known.kind_of(Form(sizes, 1)) is kind
    assert kind.rank == len(sizes)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (SIGNAL, {"image_size": 32}, "`--image_size` must be used with images. Received: signals, and --image_size=32"),
        (SIGNAL, {"color": "grey"}, "`--color` must be used with images. Received: signals, and --color=grey"),
        (
            SIGNAL,
            {"volume_size": 8},
            "`--volume_size` must be used with volumes. Received: signals, and --volume_size=8",
        ),
        (IMAGE, {"length": 9}, "`--length` must be used with signals. Received: images, and --length=9"),
        (IMAGE, {"rate": 8000}, "`--rate` must be used with signals. Received: images, and --rate=8000"),
        (VOLUME, {"image_size": 9}, "`--image_size` must be used with images. Received: volumes, and --image_size=9"),
        (VOLUME, {"length": 9}, "`--length` must be used with signals. Received: volumes, and --length=9"),
        (SIGNAL, {"augment": "photo"}, "`--augment` must be one of auto, signal, none for signals. Received: photo"),
        (IMAGE, {"augment": "signal"}, "`--augment` must be one of auto, affine, .* for images. Received: signal"),
        (VOLUME, {"augment": "affine"}, "`--augment` must be one of auto, volume, .*none for volumes. Received: aff"),
    ],
)
def test_rejects_flags_of_another_kind(kind: Kind[Any], given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        known.check_flags(kind, given)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (SIGNAL, {"length": 9, "rate": 8000, "augment": "signal"}),
        (IMAGE, {"image_size": 9, "color": "rgb", "augment": "photo", "epochs": 3}),
        (VOLUME, {"volume_size": 9, "rank": 3, "augment": "none"}),
        (VOLUME, {}),
    ],
)
def test_takes_flags_of_the_kind_and_of_all(kind: Kind[Any], given: dict[str, Any]) -> None:
    known.check_flags(kind, given)
