"""Which pictures fit on a page."""

from collections.abc import Mapping

# Of the pictures, in bytes: base64 makes them a third larger, and a page has at most 5 MB.
_MOST_BYTES = 3_300_000
# In the order in which pictures are kept where there are too many; others come after them.
_PRIORITIES = (
    *("results/", "filters/", "exciting/", "data/", "what_decides/", "attribution/"),
    *("visualised/", "concepts", "augmentation", "feature_maps/"),
)


def fitting(pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    """Returns the pictures that fit on a page, in their order; the most important ones first of all."""
    ranks = {
        tag: next((i for i, one in enumerate(_PRIORITIES) if tag.startswith(one)), len(_PRIORITIES)) for tag in pictures
    }
    kept, room = set(), _MOST_BYTES
    for tag in sorted(pictures, key=ranks.__getitem__):
        if len(pictures[tag]) <= room:
            kept.add(tag)
            room -= len(pictures[tag])
    return {tag: content for tag, content in pictures.items() if tag in kept}
