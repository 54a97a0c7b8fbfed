"""Which kinds of samples there are."""

from collections.abc import Mapping
from typing import Any

from trainer.data.form import Form
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.kinds.kind import Kind

_BY_RANK: Mapping[int, Kind[Any]] = {2: IMAGE}


def kind_of(form: Form) -> Kind[Any]:
    """Returns the kind that samples of this form are of."""
    return _BY_RANK[form.rank]
