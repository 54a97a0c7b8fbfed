"""Volumes, as the rest of the package knows them."""

from trainer.data.kinds.kind import Kind
from trainer.data.kinds.volume import survey
from trainer.data.kinds.volume.augment import PRESETS, change, choose_preset
from trainer.data.kinds.volume.decode import exported, make_decoder, read
from trainer.data.kinds.volume.encode import encode, features
from trainer.data.kinds.volume.fit import choose_form, fit_arrays, notes
from trainer.data.kinds.volume.header import FORMATS, Header

VOLUME: Kind[Header] = Kind(
    name="volume",
    rank=3,
    flags=("volume_size",),
    presets=PRESETS,
    suffixes=(".nii", ".nii.gz", ".npy", ".gif"),
    files=f"a {FORMATS} volume, or a folder of frames",
    read_header=lambda content, length: Header.read(content),
    choose_form=choose_form,
    notes=notes,
    make_decoder=make_decoder,
    exported=exported,
    read=read,
    encode=encode,
    extent=lambda header: header.voxels,
    check=survey.check,
    describe=survey.describe,
    summarize=survey.summarize,
    features=features,
    fit=fit_arrays,
    choose_preset=choose_preset,
    change=change,
)
