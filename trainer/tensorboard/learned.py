"""The summaries of what a trained network has learned: concepts, and the inputs that excite it most."""

from collections.abc import Iterator

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.insight.attribution import Explainer
from trainer.insight.concepts import concepts
from trainer.insight.observer import Look, Observer
from trainer.insight.visualisation import Target, correlation, visualised
from trainer.tensorboard import summaries
from trainer.tensorboard.draw import concepts as concepts_sheet
from trainer.tensorboard.draw import sheets, text
from trainer.tensorboard.draw import visualisation as visualisation_sheet
from trainer.tensorboard.scaling import scale_of

_CONCEPTS = 4
_MOST_CLASSES, _FILTERS = 10, 3
_STEPS, _FEWEST_STEPS = 16, 10  # with fewer, an input is noise
_SECONDS = 5.0
_WORK = 10_000_000_000  # multiply-adds of an ascent
_PASSES = 3  # a step's gradient takes as long as so many forward passes
_IN_CAPTION, _IN_LEGEND = 64, 100  # pixels of a class's name
_COLOURS = 3  # channels that are a colour together


def learned(observer: Observer, explainer: Explainer) -> Iterator[Summary]:
    """Yields concepts over the probes, and inputs that excite classes and filters most.

    Args:
      observer: of the network.
      explainer: of the same network, which knows its cost.
    """
    look = observer.look()
    yield from _concepts(observer, look)
    yield from _visualised(observer, explainer.cost)


def _concepts(observer: Observer, look: Look) -> Iterator[Summary]:
    """Yields the concepts of the last convolution whose maps have more than one position."""
    examples, probes = observer.examples, observer.probes
    sizes = examples.samples.shape[1:-1]
    wide = [
        name
        for name, maps in look.maps.items()
        if maps.ndim == len(sizes) + 2 and np.prod(maps.shape[1:-1]) > 1 and (maps > 0).any()
    ]
    if not wide:
        return
    maps = look.maps[wide[-1]][: len(probes)]
    found = concepts(maps, min(_CONCEPTS, maps.shape[-1]))
    names = [str(examples.classes[examples.labels[probe]]) for probe in probes]
    amounts = found.maps.reshape(len(probes), -1, found.maps.shape[-1]).mean(1)
    keys = [
        f"concept {index}, most in "
        + ", ".join(text.isolated(names[probe], _IN_LEGEND) for probe in np.argsort(-each, kind="stable")[:2])
        for index, each in enumerate(amounts.T)
    ]
    title = (
        f"{wide[-1]}: its maps as sums of {len(keys)} concepts, which reproduce {found.explained:.0%} of them; "
        "one color is one concept in all samples"
    )
    captions = [text.isolated(name, _IN_CAPTION) for name in names]
    scale = scale_of(examples)
    seen, over = examples.samples[probes], found.over(sizes)
    picture = concepts_sheet.concepts(seen, over, captions, names=keys, title=title, scale=scale)
    yield summaries.image("concepts", sheets.shown(picture))


def _visualised(observer: Observer, cost: int) -> Iterator[Summary]:
    """Yields inputs that excite the classes and filters of the last convolution most, in few steps."""
    examples, scale = observer.examples, scale_of(observer.examples)
    excited = [*observer.excited().items()][-1:]
    targets = [Target(index) for index in range(min(_MOST_CLASSES, len(examples.classes)))]
    for name, found in excited:
        targets += [Target(int(unit), name) for unit in found.filters[:_FILTERS]]
    fitting = _WORK // (_PASSES * max(1, cost))
    targets = targets[: fitting // _FEWEST_STEPS]
    if not targets or None in observer.model.inputs[0].shape[1:]:
        return
    colours = correlation(examples.samples) if examples.samples.shape[-1] == _COLOURS else None
    limits = scale.limits(examples.samples)
    steps = min(_STEPS, fitting // len(targets))
    made = visualised(observer.model, targets, limits, colours=colours, steps=steps, seconds=_SECONDS)
    for layer in dict.fromkeys(target.layer for target in targets):
        chosen = [index for index, target in enumerate(targets) if target.layer == layer]
        units = [targets[index].unit for index in chosen]
        captions = [f"filter {unit}" if layer else text.isolated(examples.classes[unit], _IN_CAPTION) for unit in units]
        outputs = examples.observed.outputs.target if examples.observed else "classes"
        of = f"filters of {layer}" if layer else f"of {len(examples.classes)} {outputs}"
        title = f"{scale.noun}s made to excite {len(chosen)} {of} most: {made.steps} steps of ascent from noise"
        picture = visualisation_sheet.visualised(made.inputs[chosen], captions, title, scale)
        yield summaries.image(f"visualised/{layer or 'classes'}", sheets.shown(picture))
