"""What was found, with pictures, for the page."""

from collections.abc import Sequence

from trainer import data
from trainer.data.suspects import listing
from trainer.data.suspects.listing import Suspect
from trainer.pages import page
from trainer.pages.picture import encoded
from trainer.pages.suspects import Group, Pictured, Suspects
from trainer.suspects.search import Found
from trainer.tensorboard.draw.sample import TILE, picture
from trainer.tensorboard.draw.scale import Scale

_MOST_BYTES = page.MOST_BYTES * 3 // 4 - 300_000  # of pictures, which base64 makes a third larger, and room for text
_MOST_LABELS, _MOST_GROUPS, _MOST_OF_GROUP = 400, 100, 6  # that have a picture
_TILE = {**TILE, 2: 128}  # pixels: an image must be recognised
_CHUNK = 64  # samples that are read together


def pictured(found: Found, location: str, commands: str) -> Suspects:
    """Returns the content of the page; pictures are left out where the file would be larger than 5 MB.

    Args:
      found: the suspects.
      location: what `--data` names.
      commands: what to do with the list.

    Raises:
      tf.errors.OpError: a sample cannot be read.
    """
    pool = found.pool
    groups = sorted(found.groups, key=lambda group: len({*pool.parts[group].tolist()}) == 1)[:_MOST_GROUPS]
    labels = [*found.labels][:_MOST_LABELS]
    copies = [index for group in groups for index in group[:_MOST_OF_GROUP]]
    # Each kind gets half of the room, or what the other leaves.
    first = _pictures(found, copies, _MOST_BYTES // 2)
    others = _pictures(found, labels, _MOST_BYTES - sum(map(len, first.values())))
    return Suspects(
        data=location,
        samples=f"{data.kind_of(pool.dataset.form).name}s",
        checked=found.checked,
        words=pool.suspicion.words,
        share=found.share,
        labels=[_one(one, others.get(index, b"")) for index, one in found.labels.items()],
        groups=[_group(found, group, first) for group in groups],
        list=listing.NAME,
        commands=commands,
    )


def _pictures(found: Found, indices: Sequence[int], room: int) -> dict[int, bytes]:
    """Returns the pictures of samples by index, in their order, as many as there is room for."""
    form = found.pool.dataset.form
    scale = Scale(data.kind_of(form).name, form.low, form.high, form.spread, form.spacing, form.unit)
    drawn: dict[int, bytes] = {}
    for first in range(0, len(indices), _CHUNK):
        some = indices[first : first + _CHUNK]
        samples = found.pool.samples(some)
        for index in some:
            content = encoded(picture(samples[index], _TILE[form.rank], scale))
            room -= len(content)
            if room < 0:
                return drawn
            drawn[index] = content
    return drawn


def _one(suspect: Suspect, content: bytes) -> Pictured:
    return Pictured(suspect.name, suspect.part, suspect.label, content, suspect.said)


def _group(found: Found, group: Sequence[int], pictures: dict[int, bytes]) -> Group:
    pool = found.pool
    samples = [
        Pictured(
            pool.names[index],
            data.PARTS[pool.parts[index]],
            pool.given(index),
            pictures.get(index, b""),
        )
        for index in group
    ]
    return Group(samples, min(found.near[index].distance for index in group[1:]))
