"""The networks that can be trained."""

from trainer.data.form import Form
from trainer.hparams import APPLICATION, CONVOLUTIONAL, FILE, LINEAR, OWN, RESIDUAL, HParams
from trainer.networks import convolutional, linear, own, pretrained, residual, weights
from trainer.networks.choice import choose
from trainer.networks.network import Network, Stage

__all__ = ["Network", "Stage", "build", "choose"]

_BUILDERS = {  # by family
    CONVOLUTIONAL: convolutional.build,
    LINEAR: linear.build,
    RESIDUAL: residual.build,
    OWN: own.build,
    APPLICATION: pretrained.build_application,
    FILE: pretrained.build_file,
}


def build(hparams: HParams, form: Form, outputs: int, policy: str = "float32") -> Network:
    """Returns a network, untrained or with the weights of `--weights`, and the stages of its training.

    The input is raw values, `(batch, *sizes, channels)`; the output is `(batch, outputs)`.

    Args:
      hparams: the flags of the network.
      form: the form of a sample.
      outputs: the number of units of the last layer, such as one logit per class.
      policy: the name of Keras's dtype policy for every layer except the last.

    Raises:
      UsageError: the network cannot be built; the message names the flag.
      StorageError: a file of weights cannot be downloaded.
    """
    chosen, _ = choose(hparams, form)
    network = _BUILDERS[chosen](hparams, form, outputs, policy)
    return weights.load(network, hparams) if hparams.weights else network
