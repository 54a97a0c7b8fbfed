"""The interface of one kind of samples."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.options import SampleOptions

H = TypeVar("H")

Description = Mapping[str, Any]  # of one sample, as JSON keeps it
Decode = Callable[[tf.Tensor], tf.Tensor]
Change = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
MakeChange = Callable[..., Change]  # of a preset, a number of samples, their sizes, two integers and `is_compiled`
Look = Callable[[int, int], tuple[npt.NDArray[Any], npt.NDArray[np.int32]]]


@dataclasses.dataclass(frozen=True)
class Preset:
    """A preset of random changes to training samples.

    Attributes:
      name: one of `trainer.hparams.AUGMENTATIONS`, but not auto.
      reason: why it was chosen, for the log.
    """

    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Kind(Generic[H]):
    """One kind of samples, as functions; `H` is the type of a file's header.

    Attributes:
      name: of one sample, in messages, and of the model's input.
      rank: the number of its spatial axes.
      flags: the flags of `trainer.hparams` that only this kind has.
      presets: the values of `--augment` that it supports.
      suffixes: the suffixes of its files.
      files: the file types, in words that follow "must be".
      read_header: returns the header, from a file's first bytes or the whole file, and the file's length.
        Raises ValueError if the file is of another type or truncated.
      choose_form: returns the form that samples with these headers are converted to; there is at least one.
      notes: returns lines for the log about what the conversion to the form changes.
      make_decoder: returns the function from a file's content, a scalar string, to a sample of the form, for files with
        these headers. A broken file raises a `tf.errors.OpError`.
      check: decodes a file's whole content, to so many channels or, for None, to as many as there can be. Raises
        ValueError or a `tf.errors.OpError` if it cannot be decoded.
      describe: returns the description of a file's content; raises as `check`.
      summarize: returns statistics of samples with these descriptions.
      features: returns a described sample's own fields of a `tf.train.Example`.
      exported: returns, for a form, the function from a file's content to a sample, made of TensorFlow operations;
        it reads the header itself.
      read: returns a file's content as a sample of a form, if `exported` cannot read all of the kind's files; raises
        ValueError. None if it can.
      encode: returns a sample of uint8 values as the content of a file of the kind.
      extent: returns the number of decoded positions for a header.
      fit: returns samples in memory, `(count, *spatial)` or `(count, *spatial, channels)`, brought to the options, as
        `(count, *spatial, channels)`.
      choose_preset: returns the preset of `--augment=auto`, or the one that is asked for, for samples of a form. It may
        look at training samples: at most so many, each axis brought to one size, `(count, *spatial, channels)`, and
        their targets.
      change: returns the random change of a batch: from a preset, the number of samples in the whole batch, their
        spatial sizes, two integers, the step and the seed, and whether XLA compiles it. The change takes float32
        samples, which are consecutive rows of the batch, and the number of the first row.
    """

    name: str
    rank: int
    flags: tuple[str, ...]
    presets: tuple[str, ...]
    suffixes: tuple[str, ...]
    files: str
    read_header: Callable[[bytes, int], H]
    choose_form: Callable[[Sequence[H], SampleOptions], Form]
    notes: Callable[[Sequence[H], Form], Sequence[str]]
    make_decoder: Callable[[Sequence[H], Form], Decode]
    exported: Callable[[Form], Decode]
    read: Callable[[bytes, Form], npt.NDArray[Any]] | None
    encode: Callable[[npt.NDArray[np.uint8]], bytes]
    extent: Callable[[H], int]
    check: Callable[[bytes, int | None], None]
    describe: Callable[[bytes], Description]
    summarize: Callable[[Sequence[Description]], Description]
    features: Callable[[Description], Mapping[str, int | str]]
    fit: Callable[[npt.NDArray[Any], SampleOptions], npt.NDArray[Any]]
    choose_preset: Callable[[str, Form, Look], Preset]
    change: MakeChange

    @property
    def one(self) -> str:
        """One sample, with its article."""
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"
