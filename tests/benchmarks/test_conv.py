import pytest
import tensorflow as tf

from benchmarks import conv


@pytest.mark.parametrize("row", [row for row in conv.ZERO_PADDING if row.groups == 1], ids=lambda row: row.name)
def test_zero_padding_runs_the_very_graph_that_keras_runs(row: conv.Row) -> None:
    """Whatever a clock says: the same operations, so the same time."""

    def operations(layer: conv.Layer) -> list[str]:
        images = tf.zeros(row.tiny().shape)
        layer(images)

        @tf.function
        def both() -> object:
            with tf.GradientTape() as tape:
                tape.watch(images)
                outputs = layer(images)
            return tape.gradient(outputs, [images, *layer.trainable_variables])  # type: ignore[attr-defined]

        return sorted(operation.type for operation in both.get_concrete_function().graph.get_operations())

    assert operations(conv._ours(row, "float32")) == operations(conv._keras(row, "float32"))


@pytest.mark.slow
def test_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    conv.main(["--tiny", "--rounds=1", "--dtypes", "float32"])
    printed = capsys.readouterr().out
    for row in (*conv.ZERO_PADDING, *conv.PADDING_MODES, *conv.GROUPS):
        assert f"\n{row.name} " in printed
    assert "ours / torch.nn.Conv2d" in printed
