"""What decides, and how far the maps that show it can be believed: attributions of a network and their scores."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.insight import cues, explained
from trainer.insight.attribution import Explainer
from trainer.insight.explained import NAMES, STEPS, Explained
from trainer.insight.observer import Examples, Observer
from trainer.insight.sanity import sanity
from trainer.insight.scores import curves, methods
from trainer.insight.scores.methods import Score
from trainer.objectives.outputs import Answer
from trainer.tensorboard import facts, summaries
from trainer.tensorboard.draw import sheets, text
from trainer.tensorboard.draw.decides import UNSIGNED, what_decides
from trainer.tensorboard.draw.faithfulness import faithfulness
from trainer.tensorboard.scaling import scale_of

WORK = 120_000_000_000  # multiply-adds of one method, forwards: more than the default network needs; 2 s on two cores
IN_TITLE = 120  # pixels of a class's name

_FEWEST_PROBES = 3
_CHEAP = 8_000_000_000  # multiply-adds of the scores of one moment: 0.05 s on two cores
_FEW_STEPS = 4  # of a curve at a moment
_MOST_WORK = 240_000_000_000  # multiply-adds of all scores at the end
_SHARE = 0.02  # of the multiply-adds of the training
_IMAGE = 2  # axes
_MOST_CUED, _MOST_POSITIONS = 1000, 20_000_000  # samples that are searched for a cue, and their positions
_MOST_SCORED, _FEWEST_SCORED = 64, 3  # samples
_NOISE = 0.01  # of ROAD, as a share of the samples' range


class Decisions:
    """Explains an observed network's decisions.

    Args:
      observer: of the network.
      seen: how many samples the training passes through the network; decides how many are scored.

    Attributes:
      explainer: of the observed network.
      cues: what `conclude` found, a line for each class that the same region with the same content decides.
      explanation: what `conclude` found, for a card: `method`, the best one's name; `samples`, how many were scored;
        and `scores`, numbers by method and score, the best method first. Empty before, and if none were scored.
    """

    def __init__(self, observer: Observer, seen: int = 0):
        self._observer, self._seen = observer, seen
        self.explainer = Explainer(observer.model)
        self.cues: list[str] = []
        self.explanation: dict[str, Any] = {}
        self._blank = explained.blank(observer.examples.form)

    @property
    def affordable(self) -> int:
        """How many samples the network can classify at the end without being noticed."""
        return max(2 * _CHEAP // self.explainer.cost, int(3 * self._seen * _SHARE))

    def moment(self) -> Iterator[Summary]:
        """Yields the areas under the curves of the class activation maps of the probes, if they cost little."""
        examples, probes = self._observer.examples, self._observer.probes
        cost = self.explainer.cost * len(probes) * (4 * (_FEW_STEPS + 1) + 4)
        # Outputs of other targets are no probabilities of classes.
        if not self.explainer.layer or cost > _CHEAP or examples.observed:
            return
        samples, labels = np.asarray(examples.samples[probes], np.float32), examples.labels[probes]
        found = {
            name: explained.explain(self.explainer, name, samples, labels).maps for name in NAMES if "_cam" in name
        }
        start, output = curves.blurred(samples), self.explainer.probabilities
        for name, maps in _distinct(found).items():
            falling = curves.deletion(output, samples, labels, maps, fill=self._blank, steps=_FEW_STEPS)
            rising = curves.insertion(output, samples, labels, maps, start=start, steps=_FEW_STEPS)
            yield summaries.scalar(f"attribution_of_probes/deletion_{name}", curves.area(falling).mean())
            yield summaries.scalar(f"attribution_of_probes/insertion_{name}", curves.area(rising).mean())

    def conclude(self, probabilities: np.ndarray) -> Iterator[Summary]:
        """Yields attributions of the probes, the most faithful method first, and the scores of all methods.

        Of a large network, fewer probes are explained, in fewer passes.

        Args:
          probabilities: of the first examples, `(count, classes)`, as `Observer.classify` returns them.
        """
        examples, cost = self._observer.examples, self.explainer.cost
        probes = self._observer.probes[: max(_FEWEST_PROBES, WORK // (STEPS // 2 * cost))]
        passes = max(STEPS // 2, WORK // (cost * len(probes)))
        found = self._explained(probes, passes)
        scores = self._scores(probes, {name: one.maps for name, one in found.items()}, passes)
        order = [*methods.ranked(scores), *(name for name in found if name not in scores)]
        captions = {name: _caption(name, scores.get(name)) for name in order}
        unsigned = [captions[name] for name in order if NAMES[name] in UNSIGNED]
        scale = scale_of(examples)
        for index, probe in enumerate(probes):
            true = examples.classes[examples.labels[probe]]
            name, guess = text.isolated(true, IN_TITLE), prediction(examples, probabilities, probe, IN_TITLE)
            title = f"true {name}; predicted {guess}; evidence for {name}" + ("; most faithful first" if scores else "")
            maps = {captions[method]: found[method].maps[index] for method in order}
            picture = what_decides(examples.samples[probe], maps, title, scale, unsigned)
            yield summaries.image(f"what_decides/{true}", sheets.shown(picture))
        yield from self._checks(probes, found, passes)
        yield from self._said(scores)
        yield from self._cues(probabilities)

    def _explained(self, chosen: np.ndarray, passes: int) -> dict[str, Explained]:
        """Returns the attributions of chosen examples by each method; of two with equal maps, by the first."""
        examples = self._observer.examples
        samples, labels = np.asarray(examples.samples[chosen], np.float32), examples.labels[chosen]
        found = {
            name: explained.explain(self.explainer, name, samples, labels, self._blank, passes=passes)
            for name in explained.methods(self.explainer)
        }
        kept = _distinct({name: one.maps for name, one in found.items()})
        return {name: found[name] for name in kept}

    def _scores(self, probes: np.ndarray, maps: dict[str, np.ndarray], passes: int) -> dict[str, Score]:
        """Returns the scores of each method on the probes, and on other samples if the training was long."""
        examples = self._observer.examples
        count, detail = self._scored(len(maps), len(probes))
        if count < _FEWEST_SCORED or examples.observed:
            return {}
        others = np.setdiff1d(np.arange(len(examples.labels)), probes)[: max(0, count - len(probes))]
        chosen = np.concatenate([probes[:count], others])
        if len(others):
            more = {
                name: explained.explain(
                    self.explainer,
                    name,
                    np.asarray(examples.samples[others], np.float32),
                    examples.labels[others],
                    self._blank,
                    passes=min(STEPS, passes),
                ).maps
                for name in maps
            }
            maps = {name: np.concatenate([found, more[name]]) for name, found in maps.items()}
        samples = np.asarray(examples.samples[chosen], np.float32)
        scores = methods.measure(
            self.explainer,
            samples,
            examples.labels[chosen],
            {name: found[:count] for name, found in maps.items()},
            blank=self._blank,
            detail=detail,
            noise=_NOISE * np.ptp(samples, axis=tuple(range(samples.ndim - 1))),
        )
        best = methods.ranked(scores)
        if not all(np.isfinite(score.faithfulness) for score in scores.values()):
            return {}  # the network has weights that are not finite
        self.explanation = {
            "method": best[0],
            "samples": len(chosen),
            "scores": {name: scores[name].numbers for name in best},
        }
        return scores

    def _scored(self, count: int, probes: int) -> tuple[int, methods.Detail]:
        """Returns how many samples are scored by so many methods, and in which detail."""
        for detail in (methods.FINE, methods.COARSE):
            each = detail.passes(count)
            affordable = _MOST_WORK // (self.explainer.cost * each)
            if affordable >= probes:
                break
        wanted = max(probes, int(3 * self._seen * _SHARE) // each)
        return min(_MOST_SCORED, affordable, wanted, len(self._observer.examples.labels)), detail

    def _checks(self, probes: np.ndarray, found: dict[str, Explained], passes: int) -> Iterator[Summary]:
        examples, paths = self._observer.examples, found["integrated_gradients"]
        samples, labels = examples.samples[probes], examples.labels[probes]
        if paths.attributions is None or paths.residuals is None:
            raise ValueError("integrated gradients must have attributions")
        yield summaries.scalar("attribution/completeness_residual", paths.residuals.max())
        cams = found["grad_cam"].maps if "grad_cam" in found else None
        draws = 2 if passes >= STEPS else 1
        health = sanity(self.explainer, samples, labels, cams, paths.attributions, baseline=self._blank, draws=draws)
        for name, correlation in health.items():
            yield summaries.scalar(f"attribution/sanity_{name}", correlation)

    def _cues(self, probabilities: np.ndarray) -> Iterator[Summary]:
        """Yields a text and a fact if the same region with the same content decides a class; of classes alone.

        Signals are often aligned, so that what makes a class is always at the same position: they are left out.
        """
        examples, explainer = self._observer.examples, self.explainer
        positions = examples.samples.shape[1:-1]
        if not explainer.layer or len(positions) < _IMAGE or examples.observed:
            return
        count = min(_MOST_CUED, self.affordable // 2, _MOST_POSITIONS // int(np.prod(positions)))
        guesses = probabilities[:count].argmax(1)
        right = np.flatnonzero(guesses == examples.labels[: len(guesses)])
        if not len(right):
            return
        samples, labels = np.asarray(examples.samples[right], np.float32), examples.labels[right]
        found = cues.same_region(explainer.hires_cam(samples, labels), samples, labels)
        self.cues = [cues.described(cue, examples.classes[cue.label], examples.noun) for cue in found]
        if self.cues:
            yield summaries.text("what_decides", "\n\n".join(self.cues))
            yield summaries.facts(facts.CUES, self.cues)

    def _said(self, scores: dict[str, Score]) -> Iterator[Summary]:
        """Yields the scores as scalars and their curves as one picture."""
        for name, score in scores.items():
            for number, value in score.numbers.items():
                yield summaries.scalar(f"attribution/{number}_{name}", value)
        if scores:
            drawn = {NAMES[name]: scores[name] for name in methods.ranked(scores)}
            title = f"probabilities of {self.explanation['samples']} {self._observer.examples.noun}s' classes"
            picture = faithfulness(
                {name: score.deletion for name, score in drawn.items()},
                {name: score.insertion for name, score in drawn.items()},
                title,
            )
            yield summaries.image("attribution/curves", sheets.shown(picture))


def prediction(examples: Examples, probabilities: np.ndarray, index: int, most: int) -> str:
    """Returns the predicted class of an example and its probability; `?` if it was not classified.

    The class's name is cut to so many pixels.
    """
    if index >= len(probabilities):
        return "?"
    if examples.observed:
        row = probabilities[index]
        best = int(row.argmax())
        said = examples.observed.outputs.caption(Answer(str(examples.classes[best]), float(row[best]), row))
        return text.isolated(said, most)
    predicted = int(probabilities[index].argmax())
    return f"{text.isolated(examples.classes[predicted], most)}, {probabilities[index, predicted]:.0%}"


def _caption(name: str, score: Score | None) -> str:
    return f"{NAMES[name]}, {score.faithfulness:.2f}" if score else NAMES[name]


def _distinct(maps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the maps without HiResCAM's if they are Grad-CAM's, as if a mean over positions follows the layer."""
    if "hires_cam" not in maps:
        return maps
    ours, theirs = (np.nan_to_num(maps[name]) for name in ("hires_cam", "grad_cam"))
    is_same = np.allclose(ours, theirs, rtol=1e-3, atol=1e-4 * float(theirs.max(initial=0.0)))
    return {name: found for name, found in maps.items() if not (is_same and name == "hires_cam")}
