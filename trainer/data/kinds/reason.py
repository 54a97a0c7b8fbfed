"""Why a sample cannot be read, in one line."""

import tensorflow as tf


def reason_of(error: Exception) -> str:
    """Returns the error of a reader or a decoder, without its location in a graph."""
    if isinstance(error, tf.errors.CancelledError):  # of the operations next to the one that failed
        return "broken content"
    if isinstance(error, tf.errors.OpError):
        message = str(error.message).partition("\t [[")[0]  # before it, a retraced graph names where it was made
        text = [line for line in message.splitlines() if line.strip()][-1].rsplit("}} ", 1)[-1]
        return text.removeprefix("assertion failed: ").split(" [Op:")[0].strip(" []'b.")
    return str(getattr(error, "strerror", None) or error)
