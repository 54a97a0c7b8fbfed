"""Images, as the rest of the package knows them."""

from trainer.data.kinds.image import survey
from trainer.data.kinds.image.augment import change, choose_preset
from trainer.data.kinds.image.decode import exported, make_decoder
from trainer.data.kinds.image.encode import encode, features
from trainer.data.kinds.image.fit import choose_form, fit_arrays
from trainer.data.kinds.image.header import FORMATS, Header
from trainer.data.kinds.kind import Kind

IMAGE: Kind[Header] = Kind(
    name="image",
    rank=2,
    flags=("image_size", "color"),
    presets=("affine", "photo", "photo_unmirrored"),
    suffixes=(".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".npy"),
    files=f"a {FORMATS} image",
    read_header=lambda content, length: Header.read(content),
    choose_form=choose_form,
    notes=lambda headers, form: (),
    make_decoder=make_decoder,
    exported=exported,
    read=None,
    encode=encode,
    extent=lambda header: header.height * header.width,
    check=survey.check,
    describe=survey.describe,
    summarize=survey.summarize,
    features=features,
    fit=fit_arrays,
    choose_preset=choose_preset,
    change=change,
)
