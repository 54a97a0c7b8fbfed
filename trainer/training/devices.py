"""Which devices train: one, all of this machine, or those of several machines."""

import contextlib
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.cluster import Cluster
from trainer.data import Share
from trainer.errors import MachineLostError, UsageError

# Seconds that a machine waits for the others in one exchange. A machine that dies closes its connection, which the
# others see at once; this is for one that only falls silent.
PATIENCE = 60.0


def choose(
    asked: str,
    cluster: Cluster | None,
    tpu: str | None,
    logical_devices: int = 1,
    *,
    is_deterministic: bool = True,
) -> tf.distribute.Strategy:
    """Returns the strategy under whose scope a model is to be made; on several machines, once all have come.

    It must be called before TensorFlow computes anything.

    Args:
      asked: auto, single, mirrored or multi_worker. auto is the largest that there is.
      cluster: the machines that train together.
      tpu: the name of the TPU to use; goes before GPUs. This path is untested: there was no TPU.
      logical_devices: into how many devices to divide the CPU, for trials of `mirrored` without GPUs.
      is_deterministic: whether GPUs must compute the same to the bit each time; a CPU does.

    Raises:
      UsageError: what was asked for is not there.
    """
    _prepare_gpus(is_deterministic)
    if logical_devices > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * logical_devices
        tf.config.set_logical_device_configuration(cpu, parts)
    if asked == "multi_worker" and cluster is None:
        raise UsageError(
            "`--strategy=multi_worker` must be used with at least two machines in `TF_CONFIG` or `CLUSTER_SPEC`. "
            "Received: one, or none"
        )
    if cluster is not None:
        if asked not in ("auto", "multi_worker"):
            raise UsageError(
                f"`--strategy` must be auto or multi_worker where the environment names {len(cluster.workers)} "
                f"machines. Received: {asked}"
            )
        return _multi_worker(cluster)
    if tpu and asked == "auto":
        return _tpu(tpu)
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if asked == "mirrored" or (asked == "auto" and len(devices) > 1):
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def is_alone(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether one device trains without a strategy for several, in whatever scope this is asked."""
    several = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy, tf.distribute.TPUStrategy)
    return not isinstance(strategy, several)


def share(context: tf.distribute.InputContext) -> Share:
    """Returns the rows of each batch that one input pipeline of a strategy brings."""
    count = context.num_replicas_in_sync // context.num_input_pipelines
    return Share(context.input_pipeline_id * count, count, context.num_replicas_in_sync)


def held(strategy: tf.distribute.Strategy, arrays: Sequence[npt.NDArray[Any]]) -> Any:
    """Returns arrays as tensors on each device that trains on this machine, as `strategy.run` takes them."""
    if strategy.num_replicas_in_sync == 1:
        return _on(_first(), arrays)
    names = iter(strategy.extended.worker_devices)
    return strategy.experimental_distribute_values_from_function(lambda context: _on(next(names), arrays))


def from_chief(strategy: tf.distribute.Strategy, cluster: Cluster | None, values: Sequence[Any]) -> list[Any]:
    """Returns the chief's values on every machine. Each machine gives arrays of the same types and shapes."""
    if cluster is None:
        return [*values]

    def exchange() -> list[tf.Tensor]:
        own = [tf.constant(value if cluster.is_chief else np.zeros_like(value)) for value in values]
        # One by one: together they would have to be of one type.
        return [tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value) for value in own]

    # Called by its trace: of a function that is made anew each time, TensorFlow warns at the fifth.
    shared = tf.function(lambda: strategy.run(exchange)).get_concrete_function()()
    return [strategy.experimental_local_results(value)[0].numpy() for value in shared]


def bytes_from_chief(strategy: tf.distribute.Strategy, cluster: Cluster | None, content: bytes) -> bytes:
    """Returns the chief's bytes on every machine; what the others give does not matter."""
    if cluster is None:
        return content
    (size,) = from_chief(strategy, cluster, [np.int64(len(content))])
    words = np.zeros(-(-int(size) // 4), np.int32)  # machines exchange no smaller numbers
    if cluster.is_chief:
        words.view(np.uint8)[: len(content)] = np.frombuffer(content, np.uint8)
    (shared,) = from_chief(strategy, cluster, [words])
    return bytes(shared.tobytes()[: int(size)])


def end_together(strategy: tf.distribute.Strategy, cluster: Cluster | None) -> None:
    """Waits on a machine that is not the chief until the chief has all that it needs of the others.

    The result of an exchange between machines is fetched from them: a process that ended right after its own part would
    end the chief's. The chief needs no answer to this last exchange.
    """
    if cluster is not None:
        with contextlib.suppress(*(_LOST if cluster.is_chief else ())):
            from_chief(strategy, cluster, [np.int64(0)])


@contextlib.contextmanager
def named_losses(cluster: Cluster | None) -> Iterator[None]:
    """Gives the end of another machine its name, in place of whatever the exchange with it failed with.

    Raises:
      MachineLostError: an exchange between machines failed.
    """
    try:
        yield
    except _LOST as error:
        if cluster is None:
            raise
        raise MachineLostError(
            f"another of the {len(cluster.workers)} machines is gone, or was silent for {PATIENCE:.0f} s "
            f"({type(error).__name__})"
        ) from None


@contextlib.contextmanager
def named_operations() -> Iterator[None]:
    """Says what to do where a network has an operation that no GPU computes to the same bits each time.

    Raises:
      UsageError: there is one, and `--deterministic=yes`.
    """
    try:
        yield
    except tf.errors.UnimplementedError as error:
        line = next((line for line in str(error).splitlines() if "determinis" in line.lower()), None)
        if line is None:
            raise
        raise UsageError(
            "`--deterministic` must be no where a network has an operation that a GPU computes otherwise each time. "
            f"Received: yes ({line.strip()[:200]})"
        ) from None


_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


def moved(tensor: tf.Tensor) -> tf.Tensor:
    """Returns a tensor on the one device that trains."""
    with tf.device(_first()):
        return tf.identity(tensor)


def _first() -> str:
    return str((tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU"))[0].name)


def _on(device: str, arrays: Sequence[npt.NDArray[Any]]) -> tuple[tf.Tensor, ...]:
    with tf.device(device):
        return tuple(tf.constant(array) for array in arrays)


def _prepare_gpus(is_deterministic: bool) -> None:
    """Lets several processes share each GPU, the trials of a study for one: TensorFlow takes all of its memory."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        with contextlib.suppress(RuntimeError):  # another run of this process has begun with it
            tf.config.experimental.set_memory_growth(gpu, True)
    if gpus and is_deterministic:
        tf.config.experimental.enable_op_determinism()


def _multi_worker(cluster: Cluster) -> tf.distribute.Strategy:
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.workers)}),
        task_type="worker",
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=PATIENCE)
    former = signal.getsignal(signal.SIGTERM)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver, options)
    signal.signal(signal.SIGTERM, former)  # which TensorFlow has taken, to do nothing that is of use here
    return strategy


def _tpu(name: str) -> tf.distribute.Strategy:
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver(name)
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)
