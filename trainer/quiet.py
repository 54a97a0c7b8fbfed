"""Suppresses TensorFlow's log."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from trainer.errors import StoppedError


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Suppresses the output of TensorFlow's C++ to standard error in the block, unless the import fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # also later; its errors are Python exceptions as well
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except StoppedError:  # a person has stopped the program
            raise
        except BaseException:
            chatter.seek(0)
            os.write(kept, chatter.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
