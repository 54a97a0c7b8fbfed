"""What a command leaves: its processes' lines and statuses, and every file, as values that no clock has a part in."""

import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from google.protobuf.json_format import MessageToJson
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util import tensor_util

from benchmarks.unchanged.trees import Ended, Tree

Value = np.ndarray | str | bytes
Facts = dict[str, dict[str, Value]]  # by column of the table, and by name

COLUMNS = ("weights", "events", "files", "lines", "status")
TIMED = ("input_wait", "images_per_second", "memory_mib", "bucket_lag")
_UNSTABLE = {*TIMED, "checksum", "sha256", "size", "started", "ended", "seconds", "timestamp"}
_UNSTABLE |= {"token", "pid", "since"}  # of who writes to a bucket
_STAMPS = ((r"events\.out\.tfevents\.\d[^/]*", "events.out.tfevents"), (r"[0-9a-f]{16}\.state", "state"))


def gather(tree: Tree, processes: Iterable[Ended], folders: Iterable[str] = (), *, literal: bool = False) -> Facts:
    """Returns what processes printed and what folders hold; `literal` masks paths alone."""
    facts: Facts = {column: {} for column in COLUMNS}
    mask = tree.located if literal else tree.masked
    for index, process in enumerate(processes, 1):
        facts["status"][f"process {index}"] = str(process.status)
        facts["lines"] |= {f"process {index} stdout": mask(process.out), f"process {index} stderr": mask(process.err)}
    for folder in folders:
        for path in sorted((tree.folder / folder).rglob("*")):
            if path.is_file():
                _add(facts, path, path.relative_to(tree.folder).as_posix(), tree)
    return facts


def differences(before: Facts, after: Facts) -> dict[str, str]:
    """Returns, by column, `same` with a count, or how many parts differ and the first of them."""
    found = {}
    for column in COLUMNS:
        one, other = before[column], after[column]
        names = [name for name in {**one, **other} if not _is_same(one.get(name), other.get(name))]
        count = len({*one, *other})
        found[column] = f"same ({count})" if count else "-"
        if names:
            first = f"{names[0]}: {_difference(one.get(names[0]), other.get(names[0]))}"
            found[column] = f"{len(names)} of {count} differ, first {first}"
    return found


def _is_same(one: Value | None, other: Value | None) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return type(one) is type(other) and bool(one == other)


def _difference(one: Value | None, other: Value | None) -> str:
    if isinstance(one, str) and isinstance(other, str):
        pairs = zip([*one.splitlines(), None], [*other.splitlines(), None], strict=False)
        lines = next((pair for pair in pairs if pair[0] != pair[1]), (one, other))
        return f"{lines[0]!r:.300} -> {lines[1]!r:.300}"
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.shape == other.shape:
        unequal = np.asarray(one != other)
        first = tuple(index[0] for index in np.nonzero(unequal)) if unequal.any() else ()
        return f"{unequal.sum():,} of {one.size:,} values, first {one[first]!r} -> {other[first]!r}"
    return f"{_kind(one)} -> {_kind(other)}"


def _kind(value: Value | None) -> str:
    return f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else f"{value!r:.80}"


def _add(facts: Facts, path: Path, name: str, tree: Tree) -> None:
    for pattern, stamp in _STAMPS:
        name = re.sub(pattern, stamp, name)
    if ".tfevents" in path.name:
        _add_events(facts["events"], path, name, tree)
    elif path.suffix == ".keras":
        facts["weights"] |= {f"{name} {key}": value for key, value in _weights(path).items()}
        with zipfile.ZipFile(path) as archive:
            facts["files"][f"{name} config.json"] = archive.read("config.json").decode()
    elif path.name == "latest.json":
        facts["weights"] |= {f"{name} {key}": value for key, value in _state(path).items()}
        facts["files"][name] = _plain(path, tree)
    elif "/logs/" in name and "/plugins/profile/" not in name:
        facts["events"][name] = _content(path, tree)
    else:
        facts["files"][name] = _content(path, tree)


def _content(path: Path, tree: Tree) -> Value:
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    if path.suffix == ".json" or path.name == "output.metrics":
        return _plain(path, tree)
    if path.suffix in (".md", ".txt"):
        return tree.masked(path.read_text())
    if path.suffix in (".state", ".pb", ".index") or ".data-" in path.name:
        return "there"  # a checkpoint's state has times in it, a SavedModel a counter; the weights are compared above
    return path.read_bytes()


def _plain(path: Path, tree: Tree) -> str:
    """Returns JSON, or lines of it, without times and checksums."""
    try:
        values = [json.loads(path.read_bytes())]
    except ValueError:
        values = [json.loads(line) for line in path.read_text().splitlines()]
    return tree.masked("\n".join(json.dumps(_stable(value), indent=1) for value in values))


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stable(item) for key, item in value.items() if key not in _UNSTABLE}
    if isinstance(value, list):
        return [_stable(item) for item in value]
    return re.sub(_STAMPS[1][0], _STAMPS[1][1], value) if isinstance(value, str) else value


def _weights(path: Path) -> dict[str, Value]:
    found: dict[str, Value] = {}
    with zipfile.ZipFile(path) as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    file.visititems(
        lambda name, item: found.update({name: np.asarray(item[()])}) if isinstance(item, h5py.Dataset) else None
    )
    return found


def _state(latest: Path) -> dict[str, Value]:
    """Returns the variables of the newest checkpoint, the optimizer's too, read without either tree's code."""
    manifest = json.loads(latest.read_bytes())
    content = b"".join((latest.parent / file["name"]).read_bytes() for file in manifest["files"])
    (length,) = struct.unpack_from("<Q", content)
    values, described = json.loads(content[8 : 8 + length])
    variables = dict(values[1]).get("variables")
    if not variables:
        return {"variables": f"none found in format {manifest['format']}"}
    arrays, offset = [], 8 + length
    for dtype, shape in described:
        arrays.append(np.frombuffer(content, dtype, math.prod(shape), offset).reshape(shape))
        offset += arrays[-1].nbytes
    return {f"variable {index}": arrays[item[1]] for index, item in enumerate(variables[1])}


def _events(path: Path) -> Iterator[Event]:
    content, offset = path.read_bytes(), 0
    while offset < len(content):
        (length,) = struct.unpack_from("<Q", content, offset)
        yield Event.FromString(content[offset + 12 : offset + 12 + length])
        offset += 16 + length


def _add_events(found: dict[str, Value], path: Path, name: str, tree: Tree) -> None:
    folder = name.rpartition("/")[0]
    kinds = set(str(found.get(f"{folder} plugins", "")).splitlines())
    for event in _events(path):
        if event.graph_def:
            nodes = GraphDef.FromString(event.graph_def).node
            _put(found, f"{folder} graph", "\n".join(f"{node.name} {node.op} {[*node.input]}" for node in nodes))
        for value in event.summary.value:
            about = value.metadata.plugin_data
            kinds.add(f"{value.tag} {about.plugin_name} {b'' if about.plugin_name == 'hparams' else about.content!r}")
            if value.tag not in TIMED:
                _put(found, f"{folder} {value.tag} {event.step}", _summary(value, tree))
    found[f"{folder} plugins"] = "\n".join(sorted(kinds))


def _put(found: dict[str, Value], name: str, value: Value) -> None:
    """Adds a value; one that is there twice has two names."""
    while name in found:
        name += " again"
    found[name] = value


def _summary(value: Summary.Value, tree: Tree) -> Value:
    about = value.metadata.plugin_data
    if about.plugin_name == "hparams":
        return _row(about.content)
    array = tensor_util.make_ndarray(value.tensor)
    if about.plugin_name == "images":
        pictures = [np.asarray(Image.open(io.BytesIO(picture))) for picture in array.ravel()[2:]]
        return pictures[0] if len(pictures) == 1 else np.stack(pictures)
    if array.dtype == object:
        texts: Sequence[bytes | str] = array.ravel().tolist()
        return tree.masked("\n".join(t if isinstance(t, str) else t.decode(errors="backslashreplace") for t in texts))
    return array


def _row(content: bytes) -> str:
    data = HParamsPluginData.FromString(content)
    for name in ("session_start_info", "session_end_info"):
        if data.HasField(name):
            info = getattr(data, name)
            info.ClearField("start_time_secs" if name == "session_start_info" else "end_time_secs")
    return str(MessageToJson(data, sort_keys=True))
