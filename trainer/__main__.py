"""Lists the programs of this package: `python -m trainer`."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from trainer import console, interpreter

PROGRAMS = {
    "task": "trains a network, here or on Vertex AI",
    "tensorboard": "shows the logs of runs and studies, also from a bucket",
    "predict": "classifies files with a trained model",
    "evaluate": "measures a trained model on labelled samples",
    "serve": "answers requests with a trained model",
    "export": "converts a trained model for LiteRT, ONNX and others",
    "ensemble": "combines trained models to one of their mean prediction",
    "report": "writes the report of a run or a study as one HTML file",
    "study": "tunes hyperparameters, here or on Vertex AI",
    "data": "checks a data set, finds wrong labels, writes shards",
    "local_cluster": "runs a command as several machines on this one",
}


def main(arguments: Sequence[str], python: str) -> int:
    """Prints the programs and returns the exit status: 0, or 2 if there is an argument other than `--help`.

    Args:
      arguments: the command line.
      python: the word that starts Python.
    """
    others = [one for one in arguments if one not in ("--help", "-h")]
    if not others:
        width = max(map(len, PROGRAMS))
        print(f"Usage: {python} -m trainer.PROGRAM [FLAGS]; each program lists its flags with --help.\n")
        print("\n".join(f"  trainer.{name:{width}}  {line}" for name, line in PROGRAMS.items()))
        return 0
    program, *flags = others if others[0] in PROGRAMS else ["task", *others]
    console.report(
        "trainer: the program must be part of the module's name. "
        f"Received: {others[0]}\nTo run it:\n  {shlex.join([python, '-m', f'trainer.{program}', *flags])}"
    )
    return 2


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:], interpreter.word(sys.executable, Path.cwd(), os.environ.get("PATH"))))
