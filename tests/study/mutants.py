"""Documents of which one value is replaced by another, or one is added."""

import copy
from typing import Any

from hypothesis import strategies as st

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        ["", "1", "1.0", "1e3", " 1", "1_0", "inf", "nan", "60s", "-1.5s", "SPOT", "2026-01-01T00:00:00Z"]
    )
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["values", "minValue", "min_value", "goal", "a"]), inner, max_size=2)
    ),
    max_leaves=3,
)


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """Returns a copy of a document in which one value, anywhere, is something else, or is gone."""
    whole = copy.deepcopy(document)
    inner: Any = whole
    while True:
        key = draw(st.sampled_from(list(inner) if isinstance(inner, dict) else range(len(inner))))
        if not isinstance(inner[key], dict | list) or not inner[key] or draw(st.integers(0, 4)) == 0:
            break
        inner = inner[key]
    if draw(st.integers(0, 3)):
        inner[key] = draw(ANYTHING)
    else:
        del inner[key]
    return whole
