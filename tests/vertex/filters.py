"""The filter of a list request, as far as it is documented: comparisons joined by AND."""

import fnmatch
import re
from typing import Any

from tests.vertex.refusals import Refused

_TERM = re.compile(r'(NOT )?(display_name|state|labels\.[\w-]+)(!=|=|:)"?([^"]*)"?')


def is_chosen(job: Any, text: str, state: str) -> bool:
    """Returns whether a job fits a filter.

    Args:
      job: its message.
      text: the filter.
      state: the job's, by name.
    """
    return all(_fits(job, term, state) for term in text.split(" AND ")) if text else True


def _fits(job: Any, term: str, state: str) -> bool:
    match = _TERM.fullmatch(term.strip())
    if not match:
        raise Refused("INVALID_ARGUMENT", f"Invalid filter: {term}", {"filter": "It is not understood."})
    negated, field, comparison, wanted = match.groups()
    values: dict[str, str] = {"display_name": job.display_name, "state": state}
    value = job.labels.get(field[7:]) if field.startswith("labels.") else values[field]
    if comparison == ":":
        fits = value is not None and fnmatch.fnmatch(value, wanted)
    else:
        fits = (value == wanted) is (comparison == "=")
    return fits is not bool(negated)
