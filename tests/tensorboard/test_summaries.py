import json

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.plugins.graph import keras_util

from trainer import networks
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.tensorboard import summaries


def test_the_op_graph_has_a_scope_for_each_layer_and_shapes() -> None:
    graph = summaries.op_graph(networks.build(HParams(filters=4, dense_units=8), Form((12, 12), 1), 3).model)
    scopes = {node.name.split("/")[0] for node in graph.node}
    assert {"conv1", "conv2", "pool", "dense", "logits"} <= scopes
    (convolution,) = (node for node in graph.node if node.op == "Conv2D" and node.name.startswith("conv2/"))
    shape = [size.size for size in convolution.attr["_output_shapes"].list.shape[0].dim]
    assert shape == [-1, 12, 12, 8]
    names = {node.name for node in graph.node}
    assert {name.split(":")[0].removeprefix("^") for node in graph.node for name in node.input} <= names


def test_the_graph_of_layers_has_the_type_that_they_compute_in(caplog: pytest.LogCaptureFixture) -> None:
    model = networks.build(HParams(model="residual", filters=2, depth=1), Form((8, 8), 1), 3, "mixed_bfloat16").model
    summary = summaries.keras_graph(model)
    assert summary is not None
    (text,) = tf.make_ndarray(summary.value[0].tensor).ravel()
    graph = keras_util.keras_model_to_graph_def(json.loads(text))
    assert not caplog.records
    types = {node.name.split("/")[-1]: node.attr["dtype"].type for node in graph.node}
    assert types["stem"] == tf.bfloat16.as_datatype_enum
    assert types["logits"] == tf.float32.as_datatype_enum


def test_a_pr_curve_of_a_perfect_classifier() -> None:
    is_class = np.arange(10) < 4
    table = tf.make_ndarray(summaries.pr_curve("a", is_class, is_class.astype(float)).value[0].tensor)
    true, false, rejected, missed, precision, recall = table[:, 50]
    assert (true, false, rejected, missed, precision, recall) == (4, 0, 6, 0, 1, 1)


def test_a_histogram_leaves_out_what_is_no_number_and_thins_out_the_many() -> None:
    values = np.concatenate([np.full(250_000, 2.0), [np.nan]])
    table = tf.make_ndarray(summaries.histogram("a", values).value[0].tensor)
    assert 80_000 < table[:, 2].sum() <= 100_000


def test_a_picture_is_a_png_of_its_size() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    width, height, png = summaries.image("a", picture).value[0].tensor.string_val
    assert (width, height) == (b"5", b"4")
    np.testing.assert_array_equal(tf.io.decode_png(png), picture)
