"""The best checkpoint of a finished run, reduced to its weights: a run resumes from the last ones."""

from trainer.training import save
from trainer.training import state as states
from trainer.training.checkpoint import DamagedError, Store


def reduce_best(store: Store, weights: int) -> None:
    """Replaces the state in the best checkpoint by the model's weights, which `--export=best` takes.

    The values of the optimizer, two for each weight with Adam, are left out. A checkpoint that is also one of the last
    stays as it is; so does a damaged one.

    Args:
      store: the checkpoints of a finished run.
      weights: the number of the model's variables, which come first in a state.

    Raises:
      OSError: it cannot be written; the former one is still there.
    """
    step = store.best_apart()
    if step is None:
        return
    try:
        state = states.unpack(store.at(step))
    except (FileNotFoundError, DamagedError):
        return
    kept = {"step": step, "frozen": state["frozen"], "variables": state["variables"][:weights]}
    content, *shared = states.pack_apart(kept, save.shared(kept))
    store.reduce(step, content, shared=shared)
