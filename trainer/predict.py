"""Classifies images, signals or volumes with a trained model: `python -m trainer.predict --model=RUN/model FILE…`"""

import contextlib
import errno
import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from trainer import console, keras_settings
from trainer.errors import StorageError, UsageError, one_line
from trainer.files import expanded
from trainer.quiet import without_chatter
from trainer.serving import options

if TYPE_CHECKING:
    from trainer.data.kinds.kind import Kind
    from trainer.serving.predictor import Answer, Predictor
    from trainer.tensorboard.answers import AnswerPictures

_STANDARD_INPUT = "-"
_SERIES = (".ts", ".tsv", ".txt")  # a file of many samples
_AT_ONCE = 256  # samples of such a file that are classified together
_VOLUME = 3  # the rank


def main(arguments: Sequence[str], standard_input: IO[bytes]) -> int:
    """Prints a line for each sample, and returns the exit status.

    0: success. 2: a flag breaks a rule, a picture cannot be written, or a file cannot be read; a line on standard error
    names it, and the other files are classified. 4: the model cannot be downloaded from its bucket.
    """
    if "--help" in arguments or "-h" in arguments:
        print(options.predict_parser().format_help(), end="")
        return 0
    try:
        return _run(arguments, standard_input)
    except UsageError as error:
        _report(str(error))
        return 2
    except StorageError as error:
        _report(str(error))
        return 4
    except BrokenPipeError:  # the reader of the lines has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _run(arguments: Sequence[str], standard_input: IO[bytes]) -> int:
    given = options.predict_parser().read(arguments)
    if not given.model:
        raise UsageError("`--model` must be the folder model/ of a finished run. Received: nothing")
    if not given.files:
        raise UsageError("`FILE` must be one or more files, folders, or - for standard input. Received: nothing")
    top = options.whole("top", given.top, 1, 1_000_000)
    batch_size = options.whole("batch_size", given.batch_size, 1, 4096)
    folder = _checked(given.explain)
    predictor = _load(given.model, given.cache_dir)
    pictures = _pictures(predictor, folder)
    status = 0
    batch: dict[str, bytes] = {}
    for name in _names(given.files, predictor.kind):
        if predictor.form.rank == 1 and name.lower().endswith(_SERIES):
            # The lines keep the order of the names.
            status = max(status, _classify(predictor, batch, top, given.json, pictures))
            status, batch = max(status, _classify_series(predictor, name, top, given.json, pictures)), {}
            continue
        try:
            batch[name] = standard_input.read() if name == _STANDARD_INPUT else _read_file(Path(expanded(name)))
        except OSError as error:
            status = 2
            _report(f"{one_line(name)}: {error.strerror or error}")
        if len(batch) == batch_size:
            status = max(status, _classify(predictor, batch, top, given.json, pictures))
            batch = {}
    return max(status, _classify(predictor, batch, top, given.json, pictures))


def _classify_series(
    predictor: "Predictor", name: str, top: int, as_json: bool, pictures: "AnswerPictures | None"
) -> int:
    """Prints the classes of each series of a file, numbered from 1; returns 2 if the file is broken."""
    from trainer.data.lists import series

    try:
        values = series.samples(Path(expanded(name)), name, predictor.form)
    except UsageError as error:
        _report(str(error))
        return 2
    for first in range(0, len(values), _AT_ONCE):
        some = values[first : first + _AT_ONCE]
        names = [f"{name}:{number}" for number in range(first + 1, first + len(some) + 1)]
        drawn = pictures.write([*some], names) if pictures else [""] * len(some)
        for one, answer, picture in zip(names, predictor.of_values(some), drawn, strict=True):
            _print(predictor, one, answer, top, as_json, picture=picture)
    sys.stdout.flush()
    return 0


def _load(model: str, cache_dir: str) -> "Predictor":
    with without_chatter(), keras_settings.ignored():
        from trainer.serving.predictor import Predictor
    from trainer.serving.folder import local

    return Predictor(local(model, cache_dir, _report))


def _checked(folder: str) -> Path | None:
    """Returns the folder for pictures, before a model is loaded in vain; None without one."""
    if not folder:
        return None
    with without_chatter(), keras_settings.ignored():
        from trainer.tensorboard import answers

    return answers.checked(folder)


def _pictures(predictor: "Predictor", folder: Path | None) -> "AnswerPictures | None":
    if not folder:
        return None
    from trainer.tensorboard.answers import AnswerPictures

    with without_chatter():
        return AnswerPictures(predictor, folder)


def _read_file(path: Path) -> bytes:
    """Returns a file's content, or that of a folder of frames.

    Raises:
      OSError: it cannot be read, or is a pipe or a device, which might never end.
    """
    if path.is_dir():
        from trainer.data.lists import frames

        return frames.read(str(path))
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a file")
    return path.read_bytes()


def _names(files: Sequence[str], kind: "Kind[Any]") -> Iterator[str]:
    """Yields the name of each sample: the given files, and the sorted files of the model's kind in given folders.

    For a model of volumes each folder of frames is one sample.
    """
    for name in dict.fromkeys(files):
        folder = Path(expanded(name))
        if name == _STANDARD_INPUT or not os.path.isdir(folder):  # noqa: PTH112  also false for a name that is too long
            yield name
            continue
        found = [path for path in folder.rglob("*") if path.name.lower().endswith(kind.suffixes) and path.is_file()]
        if kind.rank == _VOLUME:
            found += _videos(folder)
        if not found:
            raise UsageError(f"`FILE` must be a file, or a folder that contains {kind.name}s. Received: {name}")
        yield from map(str, sorted(found))


def _videos(folder: Path) -> list[Path]:
    """Returns the folders of frames in a folder, including itself, at any depth."""
    from trainer.data.lists import frames

    return [Path(above) for above, _, names in os.walk(folder) if frames.among(names)]


def _classify(
    predictor: "Predictor", batch: dict[str, bytes], top: int, as_json: bool, pictures: "AnswerPictures | None"
) -> int:
    """Prints the classes of the samples; returns 2 if one is broken, else 0."""
    from trainer.serving.predictor import BrokenSampleError

    status = 0
    drawn = pictures.write([*batch.values()], [*batch]) if pictures else [""] * len(batch)
    for name, answer, picture in zip(batch, predictor.of_encoded([*batch.values()]), drawn, strict=True):
        if isinstance(answer, BrokenSampleError):
            status = 2
            _report(f"{one_line(name)}: {answer}")
            continue
        _print(predictor, name, answer, top, as_json, picture=picture)
    sys.stdout.flush()
    return status


def _print(predictor: "Predictor", name: str, answer: "Answer", top: int, as_json: bool, *, picture: str) -> None:
    outputs = predictor.outputs
    if as_json:
        drawn = {"explanation": picture} if picture else {}
        print(json.dumps({predictor.kind.name: name, **outputs.record(answer, top), **drawn}))
    else:
        print(one_line(name), *outputs.fields(answer, top), sep="\t")


def _report(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        console.report(f"trainer.predict: {line}")


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:], sys.stdin.buffer))
