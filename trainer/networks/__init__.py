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
    """Returns an untrained network, or one that starts from `--weights`, and the stages in which it learns.

    Its input is `(batch, *sizes, channels)` of raw values; its output is `(batch, outputs)`.

    Args:
      hparams: the network's flags.
      form: what one sample is.
      outputs: how many numbers the last layer gives, such as one logit for each class.
      policy: Keras's name of the dtype policy of every layer but the last.

    Raises:
      UsageError: the network cannot be; the message names the flag.
      StorageError: a file of weights cannot be fetched.
    """
    chosen, _ = choose(hparams, form)
    network = _BUILDERS[chosen](hparams, form, outputs, policy)
    return weights.load(network, hparams) if hparams.weights else network
