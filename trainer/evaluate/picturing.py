"""The samples of the worst mistakes as pictures."""

from trainer.evaluate.samples import Samples
from trainer.objectives.evaluation.result import Mistakes
from trainer.pages import page
from trainer.serving.predictor import BrokenSampleError, Predictor
from trainer.tensorboard import summaries
from trainer.tensorboard.draw.sample import EXPLAINED, picture
from trainer.tensorboard.draw.scale import Scale

_MOST = 24  # mistakes
_MOST_BYTES = page.MOST_BYTES * 3 // 4 - 300_000  # of pictures, which base64 makes a third larger, and room for text


def pictures(mistakes: Mistakes, samples: Samples, predictor: Predictor, used: int) -> list[bytes]:
    """Returns the samples of the first mistakes as PNG files, as many as a page has room for.

    Args:
      mistakes: the worst first.
      samples: all samples.
      predictor: reads them in its form.
      used: the bytes of the page's other pictures.
    """
    form = predictor.form
    scale = Scale(predictor.kind.name, form.low, form.high, form.spread, form.spacing, form.unit)
    values = samples.values(predictor, mistakes.indices[:_MOST])
    drawn, room = list[bytes](), _MOST_BYTES - used
    for one in values:
        if isinstance(one, BrokenSampleError):  # it was changed since it was predicted
            return drawn
        drawn.append(summaries.png(picture(one, EXPLAINED[form.rank], scale)))
        room -= len(drawn[-1])
        if room < 0:
            return drawn[:-1]
    return drawn
