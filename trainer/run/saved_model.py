"""Whether a run also writes a SavedModel, which needs TensorFlow alone and has its own copy of the weights."""

from trainer.hparams import AUTO
from trainer.networks import custom
from trainer.run.plan import Plan
from trainer.serving import export


def is_wanted(plan: Plan) -> bool:
    """Returns whether the run writes one.

    `--saved_model=auto` writes it where Vertex AI may deploy the model with a container that has TensorFlow alone, and
    for a network with layers of a person's own: its readers would need their code to read `model.keras`.
    """
    return _is_asked_for(plan) or (plan.hparams.saved_model == AUTO and bool(custom.objects(plan.network.model)))


def is_missing(plan: Plan) -> bool:
    """Returns whether a run that was finished before is asked for one that it has not written; builds no network."""
    return _is_asked_for(plan) and not export.has_graph(plan.environment.model)


def _is_asked_for(plan: Plan) -> bool:
    return plan.hparams.saved_model == "yes" or (plan.hparams.saved_model == AUTO and plan.environment.is_deployed)
