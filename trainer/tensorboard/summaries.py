"""Summaries for TensorBoard's dashboards: values in, protos out, nothing written."""

import json
import re
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as custom_scalars
from tensorboard.plugins.graph import keras_util
from tensorboard.plugins.histogram import summary_v2 as histograms
from tensorboard.plugins.image import metadata as images
from tensorboard.plugins.pr_curve import metadata as pr_curves
from tensorboard.plugins.scalar import summary_v2 as scalars
from tensorboard.plugins.text import summary_v2 as texts

from trainer.insight.opened import inside
from trainer.tensorboard import facts as facts_of_run

_OF_STEPS = ("learning_rate", "gradient_norm")  # on the first page of Custom Scalars, after the metrics
_THRESHOLDS = 101
_MOST_BYTES = 1000  # of a constant in the graph, whose values TensorBoard does not show
_BINS = 30  # TensorBoard's own number
_MOST_VALUES = 100_000  # in a histogram; 1.6 million weights of a dense layer took 0.1 s


def scalar(tag: str, value: float) -> Summary:
    return scalars.scalar_pb(tag, float(value))


def text(tag: str, markdown: str) -> Summary:
    return texts.text_pb(tag, markdown)


def facts(tag: str, value: Any) -> Summary:
    """Returns a value for the run's report, in JSON's form; no dashboard shows it."""
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=facts_of_run.PLUGIN))
    return _summary(tag, about, _string(json.dumps(value).encode()))


def histogram(tag: str, values: np.ndarray) -> Summary:
    """Returns a histogram of values; of more than 100,000, of every k-th."""
    flat = np.asarray(values, np.float32).ravel()
    flat = flat[:: -(-len(flat) // _MOST_VALUES)]
    return histograms.histogram_pb(tag, flat[np.isfinite(flat)], buckets=_BINS)


def image(tag: str, picture: np.ndarray) -> Summary:
    """Returns a picture, uint8 `(height, width, 3)`, as PNG."""
    height, width, _ = picture.shape
    strings = [str(width).encode(), str(height).encode(), png(picture)]
    about = images.create_summary_metadata(display_name=None, description=None)
    return _summary(tag, about, tf.make_tensor_proto(strings))


def png(picture: np.ndarray) -> bytes:
    """Returns a picture, uint8 `(height, width, 3)`, as PNG.

    Its rows are not filtered: drawn pictures are flat, so that they come out smaller, and in 3 ms, where the filters
    that a library tries for each row took 6.

    Source: the W3C's Portable Network Graphics specification, sections 5 and 11.
    """
    height, width, _ = picture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits of red, green and blue
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def keras_graph(model: keras.Model) -> Summary | None:
    """Returns the conceptual graph: the model's layers; None if TensorBoard cannot draw it."""
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1"))
    try:
        layers = _readable({k: value for k, value in json.loads(model.to_json()).items() if k != "compile_config"})
        keras_util.keras_model_to_graph_def(layers)
    except Exception:  # of a layer without `get_config`, or of a kind of graph that TensorBoard does not know
        return None
    return _summary("keras", about, _string(json.dumps(layers).encode()))


def op_graph(model: keras.Model) -> tf.compat.v1.GraphDef:
    """Returns the operations of a model, with their shapes, those of each layer in a scope of its name."""
    inputs = [tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in model.inputs]
    graph = tf.function(lambda image: model(image, training=False)).get_concrete_function(*inputs).graph
    definition = graph.as_graph_def(add_shapes=True)
    names = {layer.name for layer in model._flatten_layers()} | {call.layer.name for call in inside(model).calls}

    def scoped(name: str) -> str:
        # Keras numbers its scopes within the process, and puts the model's around them all.
        control, *parts = "^" if name.startswith("^") else "", *name.removeprefix("^").split("/")
        if len(parts) > 1 and re.sub(r"_\d+$", "", parts[0]) == model.name:
            del parts[0]
        plain = [re.sub(r"_\d+$", "", part) for part in parts[:-1]]
        scopes = [bare if bare in names else part for part, bare in zip(parts[:-1], plain, strict=True)]
        return control + "/".join([*scopes, parts[-1]])

    for node in definition.node:
        node.name = scoped(node.name)
        node.input[:] = [scoped(name) for name in node.input]
        if node.op == "Const" and node.ByteSize() > _MOST_BYTES:
            node.attr["value"].tensor.ClearField("tensor_content")
    return definition


def layout(metrics: Sequence[str]) -> Summary:
    """Returns the first page of Custom Scalars: the curves of the loss, these metrics, the rate and the gradients."""
    charts = [
        layout_pb2.Chart(title=name, multiline=layout_pb2.MultilineChartContent(tag=[f"^{name}$"]))
        for name in dict.fromkeys(("loss", *metrics, *_OF_STEPS))
    ]
    page = layout_pb2.Layout(category=[layout_pb2.Category(title="training", chart=charts)])
    about = custom_scalars.create_summary_metadata()
    return _summary(custom_scalars.CONFIG_SUMMARY_TAG, about, _string(page.SerializeToString()))


def pr_curve(tag: str, is_class: np.ndarray, probability: np.ndarray) -> Summary:
    """Returns precision over recall for one class.

    Args:
      tag: of the curve.
      is_class: `(count,)`, which samples are of the class.
      probability: `(count,)`, the predicted probability of the class.
    """
    above = probability[:, None] >= np.linspace(0, 1, _THRESHOLDS)
    true, false = above[is_class].sum(0), above[~is_class].sum(0)
    missed, rejected = is_class.sum() - true, (~is_class).sum() - false
    precision, recall = true / np.maximum(true + false, 1e-7), true / np.maximum(true + missed, 1e-7)
    table = np.stack([true, false, rejected, missed, precision, recall]).astype(np.float32)
    return _summary(tag, pr_curves.create_summary_metadata(tag, "", _THRESHOLDS), tf.make_tensor_proto(table))


def projector_config(tensor: str, labels: str, sprite: str, side: int) -> str:
    """Returns the projector's configuration: files of vectors, of labels and of a sprite of `side` pixels a sample."""
    return (
        f'embeddings {{\n  tensor_name: "last hidden layer"\n  tensor_path: "{tensor}"\n  metadata_path: "{labels}"\n'
        f'  sprite {{ image_path: "{sprite}" single_image_dim: {side} single_image_dim: {side} }}\n}}\n'
    )


def _readable(layer: dict[str, Any]) -> dict[str, Any]:
    """Returns a layer's configuration as TensorBoard reads it: one type, and no numbers among what a node takes."""
    config = dict(layer["config"])
    name = config["dtype"]["config"].get("name", "") if isinstance(config.get("dtype"), dict) else ""
    if name.startswith("mixed_"):
        config["dtype"] = name.removeprefix("mixed_")
    if isinstance(config.get("layers"), list):
        config["layers"] = [_readable(inner) for inner in config["layers"]]
    nodes = [{**node, "args": _tensors(node.get("args", []))} for node in layer.get("inbound_nodes", [])]
    return {**layer, "config": config} | ({"inbound_nodes": nodes} if "inbound_nodes" in layer else {})


def _tensors(arguments: list[Any]) -> list[Any]:
    kept = [_tensors(one) if isinstance(one, list) else one for one in arguments]
    return [one for one in kept if isinstance(one, dict | list) and one]


def _summary(tag: str, about: SummaryMetadata, tensor: Any) -> Summary:
    summary = Summary()
    summary.value.add(tag=tag, metadata=about, tensor=TensorProto.FromString(tensor.SerializeToString()))
    return summary


def _string(content: bytes) -> TensorProto:
    return TensorProto(dtype="DT_STRING", string_val=[content])
