"""What is fixed before the first step of a run: made once, then asked by everything that needs a part of it."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from trainer import data, networks, own_flags
from trainer.environment import Environment, Phase
from trainer.errors import UsageError
from trainer.hparams import (
    AUGMENTATIONS,
    AUTO,
    CLASSES,
    CONVOLUTIONAL,
    LINEAR,
    PRECISIONS,
    RESIDUAL,
    UNTIL_BEST,
    HParams,
)
from trainer.insight import choice, table
from trainer.metrics import ACCURACY, METRICS, Metric
from trainer.networks import Network
from trainer.objectives import choice as choice_of_objective
from trainer.objectives import goals
from trainer.objectives.cross_validation import choice as cross_validations
from trainer.objectives.cross_validation.result import CrossValidation
from trainer.objectives.objective import Objective
from trainer.run import feeds, length, recipe, record
from trainer.run.length import Length, Until
from trainer.tensorboard.schedule import Schedule
from trainer.training import compilation, devices, frozen, hardware
from trainer.training import precision as precisions
from trainer.training.checkpoint import Store
from trainer.training.compilation import Compilation
from trainer.training.feed import Feed
from trainer.training.loop import Loop
from trainer.training.precision import Precision
from trainer.training.save import Every

_OURS = (CONVOLUTIONAL, LINEAR, RESIDUAL)  # the families that have no depthwise convolutions

Read = Callable[[HParams, Console], data.Dataset]


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run before its first step.

    On several machines all of them ask for the same parts in the same order, since some are the chief's.

    Attributes:
      hparams: what to train.
      environment: where.
      former: the record of this run, `hparams.json`, where it has begun before; else empty.
      strategy: which devices train.
      dataset: what they learn from.
      recipe: what it decided for the flags that were not given, which `hparams` has too.
      steps_per_epoch: the last one may be on a part batch.
      length: how many epochs, in which cycles of the learning rate.
    """

    hparams: HParams
    environment: Environment
    former: Mapping[str, Any]
    strategy: tf.distribute.Strategy
    dataset: data.Dataset
    recipe: recipe.Chosen
    steps_per_epoch: int
    length: Length

    @classmethod
    def make(
        cls,
        hparams: HParams,
        environment: Environment,
        screen: Console,
        read: Read,
        notes: Console | None = None,
    ) -> "Plan":
        """Returns the plan of a run.

        Args:
          hparams: what to train.
          environment: where.
          screen: shows what the data set leaves out.
          read: returns the data set.
          notes: shows which machines and devices there are; None is `screen`.

        Raises:
          UsageError: the run's folder holds another run, or the devices or the data are not what the flags ask for.
        """
        former = record.check(environment.root, hparams)
        record.check_source(former, own_flags.sources(hparams.model), hparams.model)
        strategy = _strategy(hparams, environment, notes or screen)
        keras.utils.set_random_seed(hparams.seed)
        dataset = read(hparams, screen)
        record.check_data(former, dataset.fingerprint, hparams.data)
        chosen = recipe.choose(hparams, former, dataset, strategy.num_replicas_in_sync)
        hparams = dataclasses.replace(hparams, **chosen.values, metric=_metric(hparams, former, dataset.target).name)
        if hparams.epochs == UNTIL_BEST:
            hparams = dataclasses.replace(hparams, patience=Until.of(hparams, chosen.epochs).patience)
        steps_per_epoch = _count_steps(hparams.batch_size, len(dataset.train), strategy.num_replicas_in_sync)
        record.check_steps(former, steps_per_epoch, environment.shown("root"))
        decided = _length(hparams, environment, former, strategy, chosen.epochs)
        for part in filter(len, (dataset.validation, dataset.test)):
            feeds.check_evaluated(part, strategy)
        _check_metric(hparams, dataset)
        plan = cls(
            hparams=hparams if decided.until else dataclasses.replace(hparams, epochs=decided.epochs),
            environment=environment,
            former=former,
            strategy=strategy,
            dataset=dataset,
            recipe=chosen,
            steps_per_epoch=steps_per_epoch,
            length=decided,
        )
        plan.objective  # noqa: B018 - refuses flags that have no meaning for the targets
        if environment.metric_file and hparams.target == AUTO and dataset.target != CLASSES:
            raise UsageError(
                f"`--target` must be {dataset.target} in a study of these data, so that metricId is known. "
                f"Received: {hparams.target}"
            )
        if hparams.folds_before and plan.cross_validation is None:
            raise UsageError(
                "`--folds` must be one fold, as in 1/5, unless `trainer.task` trains all folds before the final "
                f"network. Received: {hparams.folds}"
            )
        return plan

    @functools.cached_property
    def cross_validation(self) -> CrossValidation | None:
        """The result of the folds that were trained before the final run of a cross-validation; None of another run."""
        count = self.hparams.folds_before
        return cross_validations.read(self.environment.root, count, self.hparams.metric) if count else None

    @property
    def configuration(self) -> dict[str, Any]:
        """What is trained; a checkpoint of anything else is refused."""
        configuration = self.hparams.configuration()
        for name in ("data", "drop", "epochs", "patience"):  # data may have moved; a run can be given more epochs
            del configuration[name]
        return {
            **configuration,
            "steps_per_epoch": self.steps_per_epoch,
            "data_checksum": self.dataset.fingerprint.checksum(),
        }

    @property
    def metric(self) -> Metric:
        """What decides which epoch is the best."""
        return METRICS[self.hparams.metric]

    @property
    def steps(self) -> int:
        """The number of steps of the whole run, at most."""
        return self.length.epochs * self.steps_per_epoch

    @functools.cached_property
    def precision(self) -> Precision:
        """What the run began with, else what fits this machine; on all machines the chief's.

        A run that resumes elsewhere keeps what it began with, so that it is one run.
        """
        if self.former:
            chosen = Precision(self.former["precision"]["name"], self.former["precision"]["reason"])
        else:
            asked, environment = self.hparams.precision, self.environment
            machine = precisions.look(environment.cache, environment.numeric)
            chosen = precisions.decided(asked, environment.precision_file, lambda: precisions.choose(asked, machine))
        index = np.int64(PRECISIONS.index(chosen.name))
        (index,) = devices.from_chief(self.strategy, self.environment.cluster, [index])
        chosen = chosen if PRECISIONS[index] == chosen.name else Precision(PRECISIONS[index], "as on the chief")
        if self.former or self.hparams.precision != "auto" or chosen.name == "float32" or hardware.has_accelerator():
            return chosen
        family, _ = networks.choose(self.hparams, self.dataset.form)
        return chosen if family in _OURS else precisions.for_network(chosen, self._float32_network.model)

    @functools.cached_property
    def record(self) -> Mapping[str, Any]:
        """The content of `hparams.json`."""
        if not self.former:
            return self._record
        if not self.length.is_new:
            return self.former
        kept = {name: value for name, value in self.former.items() if name != record.OUTCOME}
        configured = self.hparams.configuration()
        given = {name: configured[name] for name in ("epochs", "patience")}
        return {
            **kept,
            "configuration": {**self.former["configuration"], **given},
            **self.length.record(self.hparams),
        }

    @property
    def changes(self) -> list[str]:
        """What has changed since the run began so that it does not go on to the bit."""
        return record.changes(self.former, self._record) if self.former else []

    @functools.cached_property
    def caveats(self) -> list[str]:
        """What a person should know of the data."""
        return data.caveats_of(self.dataset)

    @functools.cached_property
    def objective(self) -> Objective:
        """What the outputs of the network mean."""
        return choice_of_objective.objective_of(self.dataset, self.hparams)

    @functools.cached_property
    def every(self) -> Every:
        """How often the state is saved within an epoch."""
        return Every.read(self.hparams.checkpoint_every)

    @functools.cached_property
    def schedule(self) -> Schedule:
        """When TensorBoard gets pictures and traces."""
        model = self.network.model
        frozen_epochs = 0
        for stage in self.network.stages:
            if frozen.has_learning_convolutions(model, stage.trainable):
                break
            frozen_epochs += stage.epochs
        schedule = Schedule.of(self._lengthened, self.steps_per_epoch, frozen_epochs)
        if self.hparams.log_images != AUTO or self.environment.phase is Phase.WHOLE:
            return schedule
        # Pictures of most trials would be thrown away. The others get those of the trained network, at the end.
        return dataclasses.replace(schedule, pictures=(0,) if self.environment.phase.is_last else ())

    def samples_of(self, first: int, last: int) -> int:
        """Returns how many samples the steps from `first` to before `last` see; both are steps of the whole run."""

        def seen(step: int) -> int:
            epochs, steps = divmod(step, self.steps_per_epoch)
            return epochs * len(self.dataset.train) + steps * self.hparams.batch_size

        return seen(last) - seen(first)

    def call_ends(self, step: int) -> float:
        """Returns the next step at which something looks at the state, which no call of the graph may pass."""
        return min(self.every.next_step(step), self.schedule.next_step(step))

    @functools.cached_property
    def augmentation(self) -> data.Preset:
        """How training samples are changed at random: as the run began, else what suits them; as on the chief."""
        asked = self.hparams.augment
        if "augmentation" in self.former:
            chosen = data.Preset(self.former["augmentation"]["preset"], self.former["augmentation"]["reason"])
        elif self.former:  # of an earlier version, which has mirrored all images in colour
            usual = "photo" if self.dataset.form.channels == 3 else "affine"
            chosen = data.Preset(usual if asked == "auto" else asked, "as the run began")
        else:
            chosen = data.choose_preset(asked, self.dataset.train, keeps_targets=self.objective.keeps_targets)
        index = np.int64(AUGMENTATIONS.index(chosen.name))
        (index,) = devices.from_chief(self.strategy, self.environment.cluster, [index])
        return dataclasses.replace(chosen, name=AUGMENTATIONS[index])

    @property
    def samples(self) -> str:
        """What the samples are, such as images."""
        return f"{data.kind_of(self.dataset.form).name}s"

    @property
    def preset(self) -> str:
        """The name of how training samples are changed."""
        return self.augmentation.name

    def training(self, steps: range) -> Feed:
        """Returns the feed of some steps, counted from the start of the run."""
        return self._feeds.training(steps)

    def evaluation(self, store: data.Store) -> Feed:
        """Returns the feed of what the devices evaluate after each epoch."""
        return self._feeds.evaluation(store)

    @functools.cached_property
    def validation(self) -> Feed:
        """The feed of the validation part."""
        return self.evaluation(self.dataset.validation)

    @functools.cached_property
    def test(self) -> Feed:
        """The feed of the test part, which is seen once and has a sample."""
        return feeds.streamed_evaluation(self.dataset.test, self.strategy)

    @functools.cached_property
    def compilation(self) -> Compilation:
        """Whether XLA compiles the steps."""
        has_gpu = bool(tf.config.list_logical_devices("GPU"))
        chosen = compilation.wanted(self.hparams.compile, has_gpu, devices.is_alone(self.strategy))
        batch = (self.hparams.batch_size, *self.dataset.form.shape)
        return compilation.for_network(chosen, self.network.model, batch) if chosen.is_xla else chosen

    @functools.cached_property
    def _feeds(self) -> feeds.Feeds:
        dataset, hparams = self.dataset, self.hparams
        return feeds.Feeds(
            store=dataset.train,
            strategy=self.strategy,
            batch_size=hparams.batch_size,
            seed=hparams.seed,
            preset=self.preset,
            erase=hparams.erase,
            is_compiled=self.compilation.is_xla,
            is_resident=feeds.is_resident(
                hparams.feed, (dataset.train, dataset.validation), self.environment.parallel_trials
            ),
        )

    @functools.cached_property
    def network(self) -> Network:
        """What is trained, on the devices."""
        is_float32 = self.precision.name == "float32"
        return self._float32_network if is_float32 else self._build(self.precision.policy)

    @property
    def notes(self) -> list[str]:
        """Lines that a person should read about the network and what is drawn of it."""
        family, why = networks.choose(self.hparams, self.dataset.form)
        is_news = self.hparams.model == AUTO and family != CONVOLUTIONAL
        drawn = choice.lines(self.network.model) if self.schedule.pictures else []
        random = compilation.notes(self.compilation, self.network.model)
        return [*([f"network {family}: {why}"] if is_news else []), *self.network.notes, *random, *drawn]

    def loop(self, is_stopped: Callable[[], bool]) -> Loop:
        """Returns the loop that trains the network, with its metrics, on the devices."""
        model = self.network.model
        with self.strategy.scope():
            return Loop(
                model,
                self.strategy,
                self.objective.metrics(),
                is_stopped,
                is_compiled=self.compilation.is_xla,
                evaluated=self.evaluated(len(self.dataset.validation)),
            )

    def results(self) -> list[keras.metrics.Metric]:
        """Returns what is computed at the end of the run alone, on the devices."""
        with self.strategy.scope():
            return self.objective.results()

    def evaluated(self, samples: int) -> list[keras.metrics.Metric]:
        """Returns the metric of `--metric` for so many samples, on the devices; none if all runs compute it."""
        make = self.objective.evaluated.get(self.metric.name)
        with self.strategy.scope():
            return [make(samples)] if make else []

    @property
    def _lengthened(self) -> HParams:
        """The hyperparameters with the number of epochs, of `--epochs=auto` the most."""
        return dataclasses.replace(self.hparams, epochs=self.length.epochs, patience=0)

    @functools.cached_property
    def _float32_network(self) -> Network:
        return self._build("float32")

    def _build(self, policy: str) -> Network:
        keras.utils.set_random_seed(self.hparams.seed)
        with self.strategy.scope():
            made = networks.build(self._lengthened, self.dataset.form, self.objective.outputs, policy)
            return dataclasses.replace(made, model=self.objective.finished(made.model))

    @functools.cached_property
    def _record(self) -> Mapping[str, Any]:
        """The record of a run that begins here and now."""
        made = record.make(
            self.hparams,
            self.dataset.fingerprint,
            self.precision.name,
            self.precision.reason,
            epoch={"steps": self.steps_per_epoch, "samples": len(self.dataset.train)},
            machine={
                **hardware.describe(self.environment.numeric),
                "devices": self.strategy.num_replicas_in_sync,
                "compile": self.compilation.name,
                "deterministic": self.hparams.deterministic,
            },
            source=own_flags.sources(self.hparams.model),
        )
        family, why = networks.choose(self.hparams, self.dataset.form)
        return {
            **made,
            "recipe": dataclasses.asdict(self.recipe),
            "network": {"family": family, "reason": why, "parameters": table.count_parameters(self.network.model)},
            "augmentation": {"preset": self.augmentation.name, "reason": self.augmentation.reason},
            "compilation": {"name": self.compilation.name, "reason": self.compilation.reason},
        }


def _strategy(hparams: HParams, environment: Environment, screen: Console) -> tf.distribute.Strategy:
    """Returns the devices that train, and says where there are several."""
    cluster = environment.cluster
    if cluster:
        screen.out(f"waiting for {len(cluster.workers) - 1} more of {len(cluster.workers)} machines", highlight=False)
    strategy = devices.choose(
        hparams.strategy,
        cluster,
        environment.tpu,
        hparams.logical_devices,
        is_deterministic=hparams.deterministic == "yes",
    )
    if strategy.num_replicas_in_sync > 1:
        screen.out(f"{strategy.num_replicas_in_sync} devices share each batch", highlight=False)
    return strategy


def _length(
    hparams: HParams, environment: Environment, former: Mapping[str, Any], strategy: tf.distribute.Strategy, usual: int
) -> Length:
    """Returns how many epochs a run takes whose recipe has so many; on all machines the chief's."""
    content = b""
    if environment.is_chief:
        reached = Store(environment.checkpoints, {}).manifest() if former else None
        content = length.to_bytes(length.decide(hparams, former, reached, usual, environment.shown("root")))
    return length.from_bytes(devices.bytes_from_chief(strategy, environment.cluster, content))


def _count_steps(batch_size: int, samples: int, replicas: int) -> int:
    """Returns the steps of an epoch; the last one is on the samples that do not fill a batch.

    Raises:
      UsageError: the samples do not fill one batch, or the devices cannot share a batch.
    """
    if batch_size > samples:
        raise UsageError(
            f"`--batch_size` must be at most the number of training samples, {samples}. Received: {batch_size}"
        )
    if batch_size % replicas:
        raise UsageError(
            f"`--batch_size` must be a multiple of the {replicas} devices that share a batch. Received: {batch_size}"
        )
    return -(-samples // batch_size)


def _metric(hparams: HParams, former: Mapping[str, Any], target: str) -> Metric:
    """Returns what decides which epoch is the best: what the run began with, else the metric of `--metric`.

    Raises:
      UsageError: it is not a metric of the target.
    """
    recorded = former["configuration"].get("metric", ACCURACY.name) if former else AUTO
    return goals.metric_of(target, recorded if hparams.metric == AUTO else hparams.metric)


def _check_metric(hparams: HParams, dataset: data.Dataset) -> None:
    """Checks that the validation part has what `--metric` compares.

    Raises:
      UsageError: it has not.
    """
    found = len(np.unique(dataset.validation.targets))
    if hparams.metric == "auc" and found < 2:
        raise UsageError(
            "`--metric=auc` must be used with a validation part of at least two classes. "
            f"Received: {hparams.data}, whose {len(dataset.validation):,} validation samples have one class"
        )
