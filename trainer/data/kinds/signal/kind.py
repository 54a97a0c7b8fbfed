"""Signals, as the rest of the package knows them."""

from trainer.data.kinds.kind import Kind
from trainer.data.kinds.signal import survey
from trainer.data.kinds.signal.augment import change, choose_preset
from trainer.data.kinds.signal.decode import exported, make_decoder
from trainer.data.kinds.signal.encode import encode
from trainer.data.kinds.signal.fit import choose_form, fit_arrays, notes
from trainer.data.kinds.signal.header import Header

SIGNAL: Kind[Header] = Kind(
    name="signal",
    rank=1,
    flags=("length", "rate"),
    presets=("signal",),
    suffixes=(".wav", ".wave", ".npy"),
    files="a WAV file",
    read_header=Header.read,
    choose_form=choose_form,
    notes=notes,
    make_decoder=make_decoder,
    exported=exported,
    read=None,
    encode=encode,
    extent=lambda header: header.frames * header.channels,
    check=survey.check,
    describe=survey.describe,
    summarize=survey.summarize,
    features=survey.features,
    fit=fit_arrays,
    choose_preset=choose_preset,
    change=change,
)
