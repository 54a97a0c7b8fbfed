from pathlib import Path

import keras
import pytest

from tests.networks.backbones import backbone
from trainer.insight import graph
from trainer.networks import blocks

LITE0 = Path(__file__).parents[3] / "shared" / "data" / "efficientnet_lite0" / "efficientnet_lite0_imagenet.keras"


def named(model: keras.Model) -> list[list[str]]:
    """Returns the names of the layers with weights, by block."""
    return [[name for name, layer in block if layer.weights] for block in blocks.split(list(blocks.layers(model)))]


def test_names_are_those_of_the_walk() -> None:
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.Sequential([backbone(), keras.layers.Flatten()], name="outer")(inputs))
    assert {name for name, _ in blocks.layers(model)} == {call.name for call in graph.walk(model).calls}


def test_blocks_by_name() -> None:
    assert named(backbone()) == [["stem", "stem_bn"], ["block1a_dw", "block1a_bn"], ["block2a_conv"]]


def test_blocks_by_convolution_where_names_say_nothing() -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(2.0),
            layers.Conv2D(2, 3, name="a"),
            layers.BatchNormalization(name="b"),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, name="c"),
            layers.LayerNormalization(name="d"),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(2, 3, name="e"),
            layers.Flatten(),
            layers.Dense(3, name="f"),
            layers.Dropout(0.5),
        ]
    )
    assert named(model) == [["a", "b"], ["c", "d"], ["e"], ["f"]]


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("block6b_project_bn", "block6b"),
        ("outer/block12_sepconv1", "outer/block12"),
        ("block_12_expand_BN", "block_12"),
        ("conv5_block16_1_conv", "conv5_block16"),
        ("convnext_tiny_stage_3_block_2_layer_scale", "convnext_tiny_stage_3_block_2"),
        ("expanded_conv_depthwise", "expanded_conv"),
        ("expanded_conv_10_squeeze_excite_conv_1", "expanded_conv_10"),
        ("block35_1_conv", "block35_1"),
        ("mixed_7a", "mixed_7a"),
        ("mixed9", "mixed9"),
        ("mixed9_0", ""),
        ("conv_pw_13_bn", "13"),
        ("separable_conv_2_bn_normal_right2_12", "12"),
        ("reduction_add_1_reduce_4", "reduce_4"),
        ("stage1_block2_conv", "stage1_block2"),
        ("conv2d_12", ""),
        ("batch_normalization_3", ""),
        ("dense_block", ""),
        ("top_conv", ""),
    ],
)
def test_a_layer_s_name_says_its_block(name: str, block: str) -> None:
    assert blocks._block_of(name) == block


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count", "last"),
    [
        ("ConvNeXtTiny", 22, "stage_3_block_2_pointwise_conv_1"),
        ("DenseNet121", 59, "conv5_block16_1_conv"),
        ("EfficientNetB0", 17, "block7a_project_conv"),
        ("EfficientNetV2B0", 22, "block6h_project_conv"),
        ("InceptionResNetV2", 43, "block8_10_conv"),
        ("InceptionV3", 11, ""),
        ("MobileNet", 14, "conv_pw_13"),
        ("MobileNetV2", 18, "block_16_project"),
        ("MobileNetV3Small", 12, "expanded_conv_10_project"),
        ("NASNetMobile", 17, "normal_conv_1_12"),
        ("ResNet50", 17, "conv5_block3_3_conv"),
        ("ResNet50V2", 17, "conv5_block3_3_conv"),
        ("VGG16", 5, "block5_conv3"),
        ("Xception", 14, "block14_sepconv2"),
    ],
)
def test_blocks_of_keras_applications(name: str, count: int, last: str) -> None:
    model = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(96, 96, 3))
    found = named(model)
    assert len(found) == count
    assert any(one.endswith(last) for one in found[-1])
    assert sum(map(len, found)) == sum(bool(layer.weights) for _, layer in blocks.layers(model))
    assert 1 < len(found[-1]) < 30


@pytest.mark.slow
def test_blocks_of_a_real_backbone() -> None:
    if not LITE0.exists():
        pytest.skip("no backbone beside the project")
    found = named(keras.saving.load_model(LITE0, compile=False))
    assert len(found) == 17
    assert found[0] == ["stem_conv", "stem_bn"]
    assert found[-1][0] == "block7a_expand_conv" and found[-1][-2:] == ["top_conv", "top_bn"]
