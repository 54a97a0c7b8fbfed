"""The blocks of a network in order, for `--unfreeze`.

If the network consists of named blocks, the names of the layers define them. Otherwise each layer with a kernel or a
matrix starts a block.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras

Named = tuple[str, Any]  # the name of a layer in the whole model, and the layer

# The longest match is the name of the block, including a prefix such as the name of a nested model.
_NAMES = tuple(
    re.compile(rf"(?:^|.*[_/])(?:{pattern})(?![0-9])")
    for pattern in (
        r"(?:conv|stage|layer|group)_?\d+_block_?\d+",  # ResNet and DenseNet conv5_block3, ConvNeXt stage_2_block_1
        r"block(?:35|17|8)_\d+",  # InceptionResNetV2
        r"block_?\d+[a-z]?(?=_|/|$)",  # VGG and Xception block5, EfficientNet block6b, MobileNetV2 block_12
        r"expanded_conv(?:_\d+)?(?=_)",  # MobileNetV3
        r"mixed_?\d+[a-z]?$",  # Inception: the end of each block
    )
)
_DEPTHWISE = re.compile(r"(.*/)?conv_(?:dw|pw|pad)_(\d+)(?![0-9])")  # MobileNet: both convolutions are one block
_CELL = re.compile(r"(.*/)?(?:separable_conv|normal|reduction|adjust)_\w*?_((?:(?:stem|reduce)_)?\d+)$")  # NASNet


def layers(model: keras.Model, prefix: str = "") -> Iterator[Named]:
    """Yields the layers of a model with their names as `trainer.insight.graph.walk` defines them.

    Args:
      model: the model; nested Sequential and functional models are included.
      prefix: a prefix for the names.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model) and getattr(layer, "outputs", None):
            yield from layers(layer, f"{prefix}{layer.name}/")
        elif not isinstance(layer, keras.layers.InputLayer):
            yield prefix + layer.name, layer


def split(named: Sequence[Named]) -> list[list[Named]]:
    """Returns the blocks of a network in order; each has weights.

    A layer without the name of a block belongs to the block before it. If the first layer with a block's name merges
    branches, as in Inception's networks, the layers before it are these branches.

    Args:
      named: the layers in the order of the network.
    """
    blocks = _by_name(named)
    if len(blocks) < 2:
        blocks = _by_matrix(named)
    joined: list[list[Named]] = []
    for block in blocks:
        if joined and not _has_weights(block):
            joined[-1].extend(block)
        elif joined and not _has_weights(joined[-1]):
            joined[-1] += block
        else:
            joined.append(block)
    return joined


def _by_name(named: Sequence[Named]) -> list[list[Named]]:
    """Returns the layers by the names of their blocks; the first block contains the layers before any name."""
    blocks: dict[str, list[Named]] = {"": []}
    current, unnamed = "", list[Named]()
    for name, layer in named:
        key = _block_of(name)
        if not key:
            unnamed.append((name, layer))
            continue
        merges = key not in blocks and isinstance(layer.input, list | tuple)
        blocks.setdefault(key, [])
        blocks[key if merges else current] += unnamed
        blocks[key].append((name, layer))
        current, unnamed = key, []
    blocks[current] += unnamed
    return [block for block in blocks.values() if block]


def _by_matrix(named: Sequence[Named]) -> list[list[Named]]:
    blocks: list[list[Named]] = [[]]
    for name, layer in named:
        multiplies = any(len(one.shape) > 1 for one in layer.weights) and not isinstance(layer, keras.layers.PReLU)
        if multiplies and _has_weights(blocks[-1]):
            blocks.append([])
        blocks[-1].append((name, layer))
    return blocks


def _block_of(name: str) -> str:
    """Returns the name of a layer's block, including its prefix; an empty text if there is none."""
    for pattern in _NAMES:
        if found := pattern.match(name):
            return found.group()
    for pattern in (_DEPTHWISE, _CELL):
        if found := pattern.match(name):
            return f"{found.group(1) or ''}{found.group(2)}"
    return ""


def _has_weights(block: Sequence[Named]) -> bool:
    return any(layer.weights for _, layer in block)
