"""What the convolutions have learned: their kernels, and the feature maps of a sample of each class."""

from trainer.pages.html import EMPTY, Html, joined, name, note, subheading, text
from trainer.pages.page import Section
from trainer.pages.picture import figure, gallery, is_tall
from trainer.pages.run.facts import Run

_SHOWN_KERNELS, _SHOWN_MAPS = 4, 2  # pictures that are not folded away


def section(run: Run) -> Section | None:
    """Returns the section; nothing if there are no such pictures."""
    found = sorted(run.tagged("filters/").items(), key=lambda pair: is_tall(pair[1]))  # the tall ones are folded away
    kernels = [
        figure(content, text(f"Kernels of {layer}"), f"The kernels of the layer {layer}, a tile for each filter.")
        for layer, content in found
    ]
    few = min(_SHOWN_KERNELS, sum(not is_tall(content) for _, content in found))
    maps = [
        figure(
            content,
            joined([text("Class "), name(label)], ""),
            f"A sample of class {label}, and below it the feature maps of each convolution.",
        )
        for label, content in run.tagged("feature_maps/").items()
    ]
    exciting = [
        figure(content, name(layer), f"The patches of validation samples that excite the filters of {layer} most.")
        for layer, content in run.tagged("exciting/").items()
    ]
    made = [
        figure(content, name(what), f"Inputs made by gradient ascent that excite {what} most.")
        for what, content in run.tagged("visualised/").items()
    ]
    concepts = [
        figure(content, text("Concepts"), "The maps of the last convolution as sums of a few concepts, over samples.")
        for content in run.tagged("concepts").values()
    ]
    if not any((kernels, exciting, made, concepts, maps)):
        return None
    parts: list[Html] = []
    if kernels:
        parts += [subheading(text("Kernels")), gallery(kernels, few, "layers")]
    if exciting:
        parts += [subheading(text("What excites the filters")), gallery(exciting, _SHOWN_KERNELS, "layers")]
    if made or concepts:
        parts += [
            subheading(text("Made inputs, and concepts")),
            gallery([*made, *concepts], _SHOWN_KERNELS, "pictures"),
        ]
    if maps:
        parts += [subheading(text("Feature maps")), _dead(run), gallery(maps, _SHOWN_MAPS, "classes")]
    return Section("learned", "Filters and feature maps", joined(parts))


def _dead(run: Run) -> Html:
    """Returns a line about filters that have the same output everywhere."""
    shares = {
        tag.removeprefix("dead_filters/"): points[1][-1]
        for tag, points in run.curves.get("train", {}).items()
        if tag.startswith("dead_filters/") and points[1]
    }
    dead = [f"{share:.0%} of {layer}" for layer, share in shares.items() if share > 0]
    if not shares:
        return EMPTY
    found = f"Dead filters, whose output is constant: {', '.join(dead)}." if dead else "No filter is dead."
    return note(text(found))
