"""The hyperparameters: each with its default, its bounds and its help.

This module imports nothing large, so that `--help` and the error for a mistyped flag appear immediately.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from trainer import recipes
from trainer.errors import UsageError
from trainer.metrics import ACCURACY, METRICS

DATASETS = ("digits", "mnist", "fashion_mnist", "cifar10", "cifar100")
MANAGED = "managed"  # the data set that Vertex AI defines in the environment
PADDINGS = ("same", "valid", "causal")
ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "linear")
AUGMENTATIONS = ("auto", "affine", "photo", "photo_unmirrored", "signal", "volume", "volume_unmirrored", "none")
COLORS = ("auto", "grey", "rgb")
CLASS_WEIGHTS = ("none", "auto")
AUTO, CLASSES, LABELS, NUMBERS = TARGETS = ("auto", "classes", "labels", "numbers")
ANSWERS = ("no", "yes")
SCHEDULES = ("cosine", "linear", "constant")
OPTIMIZERS = ("adam", "adamw", "sgd")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
COMPILERS = ("auto", "xla", "none")
FEEDS = ("auto", "resident", "streamed")
STRATEGIES = ("auto", "single", "mirrored", "multi_worker")
RESUMES = ("auto", "never", "must")

EXPORTS = ("last", "best")

EPOCHS = recipes.Amount().epochs  # if the number of samples is not known
UNTIL_BEST = -1  # `--epochs=auto`
WATCHED = 0.02  # the share of the training samples that only watches the training

# The families of networks: those of this package by name, keras.applications, a saved model, a function.
CONVOLUTIONAL, LINEAR, RESIDUAL = "convolutional", "linear", "residual"
APPLICATION, FILE, OWN = "keras.applications", ".keras", "package.module:function"
NAMED = (AUTO, CONVOLUTIONAL, LINEAR, RESIDUAL)

Value = int | float | str
Field = dataclasses.Field[Any]


@dataclasses.dataclass(frozen=True)
class Rule:
    """The meaning and the valid values of a hyperparameter, for the flags, the help and the checks."""

    group: str
    help: str
    minimum: float = -math.inf
    maximum: float = math.inf
    below: float = math.inf
    choices: tuple[str, ...] = ()
    pattern: str = ""  # of a text, and its description
    form: str = ""
    words: Mapping[str, int] = dataclasses.field(default_factory=dict)  # texts, and the numbers that they mean
    placement: bool = False  # concerns the location or the execution of a run; not part of its configuration
    selects_samples: bool = False  # determines which samples are read, and in which form
    networks: tuple[str, ...] = ()  # the families that have it; empty means all
    may_be_replaced: bool = False  # by an argument of a user's own network

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.form:
            return self.form
        bounds = (("at least", self.minimum), ("at most", self.maximum), ("below", self.below))
        return " and ".join(f"{word} {bound:.12g}" for word, bound in bounds if math.isfinite(bound))

    def allows(self, value: Value) -> bool:
        if isinstance(value, str):
            fits = not self.pattern or re.fullmatch(self.pattern, value)  # else a path may have a line break
            return bool(fits) and (not self.choices or value in self.choices)
        if value in self.words.values():
            return True
        return math.isfinite(value) and self.minimum <= value <= self.maximum and value < self.below


def _flag(default: Value, group: str, help: str, **bounds: Any) -> Any:
    return dataclasses.field(default=default, metadata={"rule": Rule(group, help, **bounds)})


@dataclasses.dataclass(frozen=True, kw_only=True)
class HParams:
    """The configuration of one run.

    Raises:
      UsageError: a value breaks its rule; the message names the flag, the rule and the value.
    """

    data: str = _flag(
        "digits",
        "Data",
        f"{', '.join(DATASETS)}; a folder of class folders with images, WAV files, arrays (.npy), volumes (.nii, "
        ".nii.gz), GIF videos or folders of frames, optionally below train, validation and test; an .npz file; a "
        "folder with NAME_TRAIN.ts and NAME_TEST.ts of the UCR/UEA archive, or .tsv; a manifest (.csv, .jsonl); a "
        "folder of TFRecord shards, or of IDX files of the MNIST family; also gs://…; or "
        "managed, the managed data set of a job on Vertex AI",
        selects_samples=True,
    )
    target: str = _flag(
        AUTO,
        "Data",
        "what is learned of each sample: classes: one class; labels: several labels, or none, as in red;round; "
        "numbers: one or more real numbers; auto reads classes, and labels from an .npz file with 0 and 1 for each "
        "sample and label",
        choices=TARGETS,
        selects_samples=True,
    )
    validation_split: float = _flag(
        0.1,
        "Data",
        "share of the training samples used for validation, if the data have no validation split; with --folds, 0.02 "
        "unless it chooses something, for --epochs=auto, --export=best or a --metric",
        minimum=0.01,
        maximum=0.5,
        selects_samples=True,
    )
    folds: str = _flag(
        "0",
        "Data",
        "cross-validation: 5 trains five networks, each tested on another fifth of the samples, then the final one on "
        "all samples; 3/5 trains only the third of the five; 0 is none",
        pattern=r"0|(?:(?:[1-9]|1\d|20)/)?(?:[2-9]|1\d|20)",
        form="0, a number of folds from 2 to 20, or one of them, as in 3/5",
        selects_samples=True,
    )
    image_size: int = _flag(
        0,
        "Data",
        "side length in pixels to which images are resized; 0 keeps their own size, but uses 96, or 224 for a "
        "pretrained network, for files with different sizes or more than 128 x 128 pixels",
        minimum=0,
        maximum=4096,
        selects_samples=True,
    )
    color: str = _flag(
        "auto",
        "Data",
        "grey for grayscale or rgb for color; auto is grey if all images are grayscale",
        choices=COLORS,
        selects_samples=True,
    )
    length: int = _flag(
        0,
        "Data",
        "length of signals in values: shorter signals are padded at the end with their mean, longer ones are cut; 0 "
        "is the length of the longest training signal",
        minimum=0,
        maximum=2**24,
        selects_samples=True,
        may_be_replaced=True,
    )
    rate: int = _flag(
        0,
        "Data",
        "samples per second to which WAV files are resampled; 0 is the lowest rate of all files",
        minimum=0,
        maximum=768_000,
        selects_samples=True,
        may_be_replaced=True,
    )
    volume_size: int = _flag(
        0,
        "Data",
        "side length in voxels to which volumes are resized; 0 keeps their own size, but uses 32 for files with "
        "different sizes or more than 64 x 64 x 64 voxels",
        minimum=0,
        maximum=1024,
        selects_samples=True,
        may_be_replaced=True,
    )
    rank: int = _flag(
        0,
        "Data",
        "number of spatial axes of ambiguous arrays, GIFs and folders of frames: 1 signals, 2 images, 3 volumes; 0 "
        "detects it",
        minimum=0,
        maximum=3,
        selects_samples=True,
        may_be_replaced=True,
    )
    augment: str = _flag(
        "auto",
        "Data",
        "random augmentation of training samples. affine: rotations, scaling, shear and translation of images; "
        "photo: random crops, mirroring and lighting; photo_unmirrored: the same without mirroring; signal: shifts, "
        "scaling, stretching and noise; volume: rotations, scaling, translation, mirroring and brightness; "
        "volume_unmirrored: the same without mirroring; auto: affine for grayscale images and photo for color, but "
        "photo_unmirrored or volume_unmirrored if mirroring makes the classes harder to distinguish",
        choices=AUGMENTATIONS,
    )
    erase: float = _flag(
        0.0,
        "Data",
        "share of the training samples, others in each epoch, in which a random box is replaced by the mean",
        minimum=0,
        maximum=1,
    )
    mixup: float = _flag(
        0.0,
        "Data",
        "pairs of training samples are blended, and so are their losses, by a share from the distribution "
        "Beta(mixup, mixup); 0 blends none, 0.2 a little, 1 all shares alike",
        minimum=0,
        maximum=100,
    )
    class_weights: str = _flag(
        "none", "Data", "auto weights each sample inversely to the size of its class", choices=CLASS_WEIGHTS
    )
    skip_broken: str = _flag(
        "no",
        "Data",
        "yes lists samples that cannot be read and leaves them out; no reports an error",
        choices=ANSWERS,
        placement=True,  # a run may resume with it after a file was damaged; the data are compared separately
        selects_samples=True,
    )

    drop: str = _flag(
        "",
        "Data",
        "file that lists samples to leave out by their names, such as the list of python -m trainer.data --suspects; "
        "all other samples stay in their parts",
        selects_samples=True,
    )

    model: str = _flag(
        AUTO,
        "Network",
        "convolutional: a stack of convolutions; linear: no convolution, for comparison; residual: residual blocks, "
        "for larger images; a network of keras.applications, such as MobileNetV3Small; a .keras file, also gs://…; "
        "package.module:function, your own function; auto is convolutional for images of up to 32 x 32 pixels or if "
        "one of its own flags is given, otherwise residual",
        pattern=r"auto|convolutional|linear|residual|[A-Z]\w*|(?s:.+)\.keras|[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*",
        form="auto, convolutional, linear, residual, a name of keras.applications, a .keras file, or "
        "package.module:function",
    )
    weights: str = _flag(
        "",
        "Network",
        "pretrained weights: imagenet, which Keras downloads, or a file: .keras, .weights.h5 or the .h5 of "
        "keras.applications, also gs://…",
        pattern=r"|imagenet|(?s:.+)\.(keras|h5)",
        form="imagenet, or a .keras, .weights.h5 or .h5 file",
    )
    unfreeze: str = _flag(
        "none",
        "Network",
        "part of a pretrained network that is fine-tuned after its new head: all, none, or a number of last blocks",
        pattern=r"all|none|[1-9]\d*",
        form="all, none, or a number of blocks",
    )
    freeze_epochs: int = _flag(5, "Network", "epochs that train only the new head, before --unfreeze", minimum=0)
    fine_tune_rate: float = _flag(
        0.1, "Network", "learning rate after --unfreeze, as a factor of --learning_rate", minimum=1e-12
    )
    filters: int = _flag(
        32,
        "Network",
        "filters of the first convolution, doubled with each later one; for residual, with each group of blocks; "
        "residual networks for volumes use half as many",
        minimum=1,
        networks=(CONVOLUTIONAL, RESIDUAL),
    )
    depth: int = _flag(
        2,
        "Network",
        "number of convolutions; for residual, blocks per group, in four groups, or three for signals",
        minimum=1,
        maximum=16,
        networks=(CONVOLUTIONAL, RESIDUAL),
    )
    kernel_size: int = _flag(
        3, "Network", "size of every kernel per axis, in positions", minimum=1, networks=(CONVOLUTIONAL,)
    )
    stride: int = _flag(
        1, "Network", "distance between kernel positions, in positions", minimum=1, networks=(CONVOLUTIONAL,)
    )
    padding: str = _flag(
        "same",
        "Network",
        "padding of every convolution",
        choices=PADDINGS,
        networks=(CONVOLUTIONAL,),
    )
    dilation_rate: int = _flag(
        1, "Network", "distance between kernel elements, in positions", minimum=1, networks=(CONVOLUTIONAL,)
    )
    activation: str = _flag(
        "relu",
        "Network",
        "activation after every layer except the last",
        choices=ACTIVATIONS,
        networks=(CONVOLUTIONAL, RESIDUAL),
    )
    dense_units: int = _flag(128, "Network", "units of the hidden dense layer", minimum=1, networks=(CONVOLUTIONAL,))
    dropout: float = _flag(
        0.3,
        "Network",
        "share of the last feature maps and of the dense units that is dropped in training",
        minimum=0,
        below=1,
        networks=(CONVOLUTIONAL, RESIDUAL, APPLICATION, FILE),
    )

    recipe: str = _flag(
        recipes.AUTO,
        "Training",
        "settings for the flags that are not given: plain, those of a plain Keras script; a name; auto selects one by "
        "the kind of data and network",
        choices=(recipes.AUTO, *recipes.NAMES),
    )
    epochs: int = _flag(
        0,
        "Training",
        "passes over the training samples; 0 is as the recipe has it for their number; auto trains until the "
        "validation no longer gets better; a larger number than before continues a finished run",
        minimum=0,
        words={"auto": UNTIL_BEST},
        form="auto, or a whole number of at least 0",
    )
    patience: int = _flag(
        0,
        "Training",
        "epochs without a better --metric of the validation, or an equal one and a lower loss, after which "
        "--epochs=auto lets the learning rate decay to zero and stops; 0 is 5, or more for few training samples",
        minimum=0,
    )
    metric: str = _flag(
        AUTO,
        "Training",
        "metric of the validation by which an epoch is the best, for --export=best, --epochs=auto and a study. auto: "
        "accuracy; for labels average_precision, for numbers mean_absolute_error. "
        + "; ".join(f"{one.name}: {one.meaning}" for one in METRICS.values()),
        choices=(AUTO, *METRICS),
    )
    batch_size: int = _flag(
        0, "Training", "samples per step; 0 is as the recipe has it for the number of training samples", minimum=0
    )
    learning_rate: float = _flag(
        2e-3, "Training", "peak of the learning-rate schedule, after the warm-up", minimum=1e-12
    )
    schedule: str = _flag(
        "cosine",
        "Training",
        "learning-rate schedule: warm-up, then cosine or linear decay to zero; or constant; for --epochs=auto, see "
        "--patience",
        choices=SCHEDULES,
    )
    optimizer: str = _flag("adam", "Training", "optimizer", choices=OPTIMIZERS)
    momentum: float = _flag(0.9, "Training", "momentum of sgd", minimum=0, below=1)
    weight_decay: float = _flag(
        0.004,
        "Training",
        "weight decay of adamw: share of a weight that is subtracted per step, times the learning rate",
        minimum=0,
    )
    label_smoothing: float = _flag(
        0.0,
        "Training",
        "share of each target that is spread evenly over all classes, in the loss",
        minimum=0,
        below=1,
    )
    average_epochs: float = _flag(
        0.0,
        "Training",
        "time constant in epochs of a moving average of the weights, which is validated, tested and exported instead "
        "of the last weights; 0 averages none",
        minimum=0,
    )
    precision: str = _flag(
        "auto",
        "Training",
        "precision of the computation; auto is the fastest on this machine; on a GPU of compute capability 8.0 or "
        "later, float32 is TensorFloat-32 in convolutions and matrix products, as in Keras, unless "
        "NVIDIA_TF32_OVERRIDE=0",
        choices=PRECISIONS,
    )
    seed: int = _flag(
        0,
        "Training",
        "seed of the split, the initial weights, the order and the augmentation",
        minimum=0,
        maximum=2**31 - 1,
        selects_samples=True,
    )

    strategy: str = _flag(
        "auto",
        "Devices",
        "one device, all devices of this machine, or the machines in TF_CONFIG or CLUSTER_SPEC; auto uses all that "
        "are available",
        choices=STRATEGIES,
        placement=True,
    )
    logical_devices: int = _flag(
        1,
        "Devices",
        "number of devices into which the CPU is divided, to test --strategy=mirrored",
        minimum=1,
        placement=True,
    )

    compile: str = _flag(
        "auto",
        "Devices",
        "xla compiles many steps into one program, on one device; auto is xla on a GPU and none on CPUs, whose own "
        "kernels are faster; weights agree within rounding",
        choices=COMPILERS,
        placement=True,
    )
    feed: str = _flag(
        "auto",
        "Devices",
        "resident keeps the samples in the memory of the training device, streamed reads them batch by batch; auto is "
        "resident on a GPU if they need at most a third of its memory; weights are the same",
        choices=FEEDS,
        placement=True,
    )
    deterministic: str = _flag(
        "yes",
        "Devices",
        "yes gives bit-exact weights for equal flags, on a GPU too; no allows faster kernels whose rounding differs "
        "from run to run",
        choices=ANSWERS,
        placement=True,
    )

    checkpoint_every: str = _flag(
        "30s",
        "Checkpoints",
        "interval between checkpoints within an epoch; each epoch also ends with one",
        pattern=r"[1-9]\d*|\d*\.?\d*[1-9]\d*s",
        form="steps, as in 500, or seconds, as in 30s",
        placement=True,
    )
    keep_checkpoints: int = _flag(
        2,
        "Checkpoints",
        "number of recent checkpoints to keep, in addition to that of the best epoch",
        minimum=1,
        placement=True,
    )
    resume: str = _flag(
        "auto",
        "Checkpoints",
        "auto resumes the run in --job_dir if there is one; must requires a run; never requires a new folder",
        choices=RESUMES,
        placement=True,
    )

    export: str = _flag(
        "last",
        "Output",
        "the epoch whose weights the model gets: the last, or the best by --metric, then by validation loss",
        choices=EXPORTS,
        placement=True,
    )
    saved_model: str = _flag(
        AUTO,
        "Output",
        "whether model/ also has a SavedModel, for TensorFlow alone. auto: where Vertex AI sets AIP_MODEL_DIR to a "
        "bucket, and for networks with layers of your own",
        choices=(AUTO, *ANSWERS),
        placement=True,
    )
    log_images: str = _flag(
        "auto",
        "Output",
        "when pictures are written for TensorBoard. auto: up to ten times, less often over time; epoch: after each "
        "epoch; or a number of steps",
        pattern=r"auto|never|epoch|[1-9]\d*",
        form="auto, never, epoch, or a number of steps",
        placement=True,
    )
    profile_steps: str = _flag(
        "",
        "Output",
        "first and last step of a trace for TensorBoard's profiler, as in 10,20",
        pattern=r"|\d+,\d+",
        form="two steps, as in 10,20",
        placement=True,
    )
    report: str = _flag(
        "yes",
        "Output",
        "yes writes report.html at the end of the run: one file with the result, the curves, the pictures and the data",
        choices=ANSWERS,
        placement=True,
    )
    quiet: str = _flag(
        "no",
        "Output",
        "yes prints only warnings, errors and the result",
        choices=ANSWERS,
        placement=True,
    )
    verbose: str = _flag(
        "no",
        "Output",
        "yes also prints what TensorFlow logs, and a line with all figures several times a second",
        choices=ANSWERS,
        placement=True,
    )
    job_dir: str = _flag(
        "", "Output", "folder of the run, also gs://bucket/folder; default runs/<date-time>", placement=True
    )
    cache_dir: str = _flag(
        "~/.cache/trainer",
        "Output",
        "local folder for uploads and downloads of buckets; several runs can share it",
        placement=True,
    )

    # The names of the flags that a user gave, even with their defaults: a recipe does not change them. See `given`.
    given_names: dataclasses.InitVar[frozenset[str]] = frozenset()

    def __post_init__(self, given_names: frozenset[str]) -> None:
        changed = {one.name for one in dataclasses.fields(self) if getattr(self, one.name) != one.default}
        object.__setattr__(self, "given_names", frozenset(given_names | changed))
        for field in dataclasses.fields(self):
            check(field, getattr(self, field.name))
        first, _, last = self.profile_steps.partition(",")
        if last and int(first) >= int(last):
            raise UsageError(f"`--profile_steps` must have the earlier step first. Received: {self.profile_steps}")
        if self.patience and self.epochs != UNTIL_BEST:
            given = f"--epochs={self.epochs}" if self.epochs else "nothing"
            raise UsageError(f"`--patience` must be used with `--epochs=auto`. Received: {given}")
        if self.quiet == self.verbose == "yes":
            raise UsageError("`--quiet` must be used without `--verbose`. Received: both")
        number, _, count = self.folds.rpartition("/")
        if number and int(number) > int(count):
            raise UsageError(f"`--folds` must name a fold from 1 to {count}. Received: {self.folds}")
        check_networks(self, [f.name for f in dataclasses.fields(self) if getattr(self, f.name) != f.default])

    @property
    def folds_before(self) -> int:
        """The number of folds of the cross-validation that ends with this run; 0 if this run is no such final one."""
        return 0 if "/" in self.folds else int(self.folds)

    def configuration(self) -> dict[str, Value]:
        """Returns the hyperparameters without those of the location: runs with equal configurations are the same run.

        Flags that the network does not have are left out.
        """
        rules = {field.name: rule_of(field) for field in dataclasses.fields(self)}
        chosen = family(self.model)
        return {
            name: shown(rule, getattr(self, name))
            for name, rule in rules.items()
            if not rule.placement and (not rule.networks or chosen in (AUTO, *rule.networks))
        }

    def selection(self) -> dict[str, Value]:
        """Returns what determines the samples: runs with equal selections can share them."""
        selected = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if rule_of(f).selects_samples}
        return {**selected, "is_pretrained": is_pretrained(self)}  # which has another usual size


def given(hparams: HParams) -> frozenset[str]:
    """Returns the names of the flags that differ from their defaults, or that a user gave with them."""
    names: frozenset[str] = vars(hparams)["given_names"]
    return names


def chooses_nothing(values: Mapping[str, Value]) -> bool:
    """Returns whether flags ask for a cross-validation in which validation only watches the training."""
    chooses = values.get("epochs") == UNTIL_BEST or values.get("export") == "best" or values.get("metric", AUTO) != AUTO
    return values.get("folds", "0") != "0" and not chooses


def family(model: str) -> str:
    """Returns the family of networks that `--model` names."""
    if model in NAMED:
        return model
    if model.endswith(FILE):
        return FILE
    return OWN if ":" in model else APPLICATION


def only_of(field: Field, chosen: str) -> bool:
    """Returns whether a flag belongs to the chosen family of networks only."""
    return rule_of(field).networks == (chosen,)


def is_pretrained(hparams: HParams) -> bool:
    """Returns whether a network starts from pretrained weights."""
    return bool(hparams.weights) or family(hparams.model) == FILE


def check_networks(hparams: HParams, given: Iterable[str]) -> None:
    """Checks that the chosen network has the flags on the command line.

    Args:
      hparams: the hyperparameters, with `model`.
      given: the names of the flags on the command line.

    Raises:
      UsageError: it does not have one of them.
    """
    known, chosen = {field.name: field for field in dataclasses.fields(hparams)}, family(hparams.model)
    for name in given:
        networks = rule_of(known[name]).networks
        if networks and chosen not in (AUTO, *networks):
            raise UsageError(
                f"`--{name}` must be used with `--model={'` or `--model='.join(networks)}`. "
                f"Received: --model={hparams.model}"
            )
        if name in ("unfreeze", "freeze_epochs", "fine_tune_rate") and not is_pretrained(hparams):
            raise UsageError(f"`--{name}` must be used with `--weights`. Received: nothing")
        if name in ("freeze_epochs", "fine_tune_rate") and hparams.unfreeze == "none":
            raise UsageError(f"`--{name}` must be used with `--unfreeze=all` or a number of blocks. Received: none")
    if hparams.weights and chosen == AUTO:
        raise UsageError("`--weights` must be used with `--model`. Received: nothing")
    if hparams.weights == "imagenet" and chosen != APPLICATION:
        raise UsageError(
            "`--weights=imagenet` must be used with a network of keras.applications, such as "
            f"`--model=MobileNetV3Small`. Received: --model={hparams.model}"
        )
    if hparams.unfreeze != "none" and 0 < hparams.epochs <= hparams.freeze_epochs:
        raise UsageError(
            f"`--freeze_epochs` must be less than `--epochs={hparams.epochs}`. Received: {hparams.freeze_epochs}"
        )


_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


_EARLIER = {"metric": ACCURACY.name}  # values of versions without the flag, where they are not its default


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Returns the values in which a stored configuration differs from the current one.

    A flag that the stored one lacks, since an earlier version had no such flag, counts as its default.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(HParams)} | _EARLIER
    before = {name: there.get(name, defaults.get(name)) for name in here}
    return [f"--{name}={before[name]} before, {value} now" for name, value in here.items() if before[name] != value]


def rule_of(field: Field) -> Rule:
    """Returns the rule that a dataclass field of a flag has in its metadata."""
    rule: Rule = field.metadata["rule"]
    return rule


def shown(rule: Rule, value: Value) -> Value:
    """Returns a flag's value as a user writes it: the word in place of the number that it means."""
    return next((word for word, number in rule.words.items() if number == value), value)


def parse(field: Field, text: str) -> Value:
    """Returns a flag's text as a value of its field's type.

    Tuning services send integers as floats: `32.0` is the integer 32, `32.5` is an error.

    Raises:
      UsageError: the text is not of that type.
    """
    rule = rule_of(field)
    if field.type is str:
        return text
    if text in rule.words:
        return rule.words[text]
    value = _number(field, text)
    if value is None or value in rule.words.values():
        raise UsageError(f"`--{field.name}` must be {rule.form or _KINDS[field.type]}. Received: {text or repr(text)}")
    return value


def _number(field: Field, text: str) -> Value | None:
    """Returns a text as a number or a truth value; None if it is none."""
    try:
        return _TRUTHS[text.lower()] if field.type is bool else int(text) if field.type is int else float(text)
    except (KeyError, ValueError):
        pass
    try:
        if field.type is int and float(text).is_integer():
            return int(float(text))
    except (ValueError, OverflowError):
        pass
    return None


def check(field: Field, value: Value) -> None:
    """Checks the value of a flag.

    Raises:
      UsageError: the value breaks the rule of its field; the message names the flag, the rule and the value.
    """
    rule = rule_of(field)
    if type(value) is not field.type and not (field.type is float and type(value) is int):
        raise UsageError(f"`--{field.name}` must be {_KINDS[field.type]}. Received: {value!r}")
    if not rule.allows(value):
        raise UsageError(f"`--{field.name}` must be {rule}. Received: {value if str(value) else repr(value)}")
