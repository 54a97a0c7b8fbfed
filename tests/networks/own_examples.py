"""Functions whose networks break a rule, each named in `test_own.py` with what is said; and some that break none."""

import sys

import keras
from keras import layers


def _dense(input_shape, classes, *more, activation=None):
    last = layers.Dense(classes, activation=activation, name="head")
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), *more, last])


def raises(input_shape, classes, parts: int = 0):
    return _dense(input_shape, classes // parts)


def raises_in_keras(input_shape, classes):
    return keras.Sequential([keras.Input(input_shape), layers.Conv2D(3, 50), layers.Flatten(), layers.Dense(classes)])


def exits(input_shape, classes):
    sys.exit(3)


def nothing(input_shape, classes):
    _dense(input_shape, classes)


def layer(input_shape, classes):
    return layers.Dense(classes)


def compiled(input_shape, classes):
    model = _dense(input_shape, classes)
    model.compile()
    return model


def softmax(input_shape, classes):
    return _dense(input_shape, classes, activation="softmax")


def nested_softmax(input_shape, classes):
    inner = keras.Sequential([_dense(input_shape, classes), layers.Softmax(name="probabilities")])
    return keras.Sequential([keras.Input(input_shape), inner, layers.Activation("linear")])


def softmax_operation(input_shape, classes):
    image = keras.Input(input_shape)
    return keras.Model(image, keras.ops.softmax(_dense(input_shape, classes)(image)))


def softmax_by_hand(input_shape, classes):
    image = keras.Input(input_shape)
    powers = keras.ops.exp(layers.Dense(classes)(layers.Rescaling(1e-3)(layers.Flatten()(image))))
    return keras.Model(image, powers / keras.ops.sum(powers, axis=-1, keepdims=True))


def sigmoid(input_shape, classes):
    return keras.Sequential([_dense(input_shape, classes), layers.Activation("sigmoid", name="squash")])


def one_more(input_shape, classes):
    return _dense(input_shape, classes + 1)


def map_of_classes(input_shape, classes):
    return keras.Sequential([keras.Input(input_shape), layers.Dense(classes)])


def two_inputs(input_shape, classes):
    one, other = keras.Input(input_shape, name="one"), keras.Input(input_shape, name="other")
    return keras.Model([one, other], _dense(input_shape, classes)(one + other))


def two_outputs(input_shape, classes):
    image = keras.Input(input_shape)
    return keras.Model(image, [_dense(input_shape, classes)(image), _dense(input_shape, 3)(image)])


def another_size(input_shape, classes):
    return _dense((32, 32, 3), classes)


def whole_numbers(input_shape, classes):
    return keras.Sequential([keras.Input(input_shape, dtype="uint8"), layers.Flatten(), layers.Dense(classes)])


def fixed_batch(input_shape, classes):
    return keras.Sequential([keras.Input(input_shape, batch_size=8), layers.Flatten(), layers.Dense(classes)])


def frozen(input_shape, classes):
    model = _dense(input_shape, classes)
    model.trainable = False
    return model


def with_lambda(input_shape, classes):
    return _dense(input_shape, classes, layers.Lambda(lambda x: x * 2, name="twice"))


class Scale(layers.Layer):
    """Keras records its arguments, so that it can be saved."""

    def __init__(self, factor=1, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor


class Forgetful(Scale):
    def get_config(self):
        return {"name": self.name}


class Unsaved(Scale):
    def build(self, shape):
        self.weight = self.add_weight(shape=(1,), initializer="uniform")

    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass


def forgetful(input_shape, classes):
    return _dense(input_shape, classes, Forgetful(20, name="forgetful"))


def unsaved(input_shape, classes):
    return _dense(input_shape, classes, Unsaved(name="unsaved"))


def inner_lambda(input_shape, classes):
    return _dense(input_shape, classes, layers.Dense(4, activation=lambda x: x, name="closed"))


def inner_class(input_shape, classes):
    class Inside(Scale):
        pass

    return _dense(input_shape, classes, Inside())


class WithoutConfig(keras.Model):
    def __init__(self, parts):
        super().__init__()
        self.flat, self.dense = layers.Flatten(), layers.Dense(parts.count)

    def call(self, x):
        return self.dense(self.flat(x))


class Parts:
    def __init__(self, count):
        self.count = count


def without_config(input_shape, classes):
    return WithoutConfig(Parts(classes))


class Stepping(keras.Model):
    def train_step(self, data):
        return {}


def stepping(input_shape, classes):
    image = keras.Input(input_shape)
    return Stepping(image, _dense(input_shape, classes)(image))


class Mistaken(keras.Model):
    def __init__(self, classes):
        super().__init__()
        self.dense = layers.Dense(classes)

    def call(self, x):
        return self.missing(x)


def mistaken(input_shape, classes):
    return Mistaken(classes)


# What follows breaks no rule.


def unbuilt(input_shape, classes):
    return keras.Sequential([layers.Flatten(), layers.Dense(classes)])


def any_size(input_shape, classes):
    image = keras.Input((None, None, input_shape[-1]))
    x = layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(image))
    return keras.Model(image, layers.Dense(classes)(x))


def listed(input_shape, classes):
    image = keras.Input(input_shape)
    return keras.Model([image], [_dense(input_shape, classes)(image)])


def named_input(input_shape, classes):
    image = keras.Input(input_shape, name="picture")
    return keras.Model({"picture": image}, _dense(input_shape, classes)(image))


def unregistered(input_shape, classes):
    return _dense(
        input_shape, classes, keras.Sequential([layers.Dense(3), Scale(3)]), layers.Dense(3, activation=twice)
    )


def twice(x):
    return 2 * x


class Graph(keras.Model):
    def __init__(self, input_shape, classes):
        image = keras.Input(input_shape)
        super().__init__(image, _dense(input_shape, classes)(image))


def graph_class(input_shape, classes):
    return Graph(input_shape, classes)


def partly_frozen(input_shape, classes):
    first, following = layers.Conv2D(3, 3, name="first", trainable=False), layers.Conv2D(3, 3, name="next")
    backbone = keras.Sequential([keras.Input(input_shape), first, following], name="backbone")
    return keras.Sequential([keras.Input(input_shape), backbone, layers.Flatten(), layers.Dense(classes, name="head")])


def changes_settings(input_shape, classes):
    keras.config.set_dtype_policy("float64")
    keras.config.set_floatx("float16")
    keras.config.set_epsilon(0.5)
    keras.config.set_image_data_format("channels_first")
    keras.utils.set_random_seed(77)
    keras.config.enable_unsafe_deserialization()
    return _dense(input_shape, classes)


class Plain(keras.Model):
    """Most classes of a user's have no `get_config`."""

    def __init__(self, classes, widths, squeeze=True):
        super().__init__()
        self.parts = [layers.Dense(width) for width in widths]
        self.squeeze, self.logits = squeeze, layers.Dense(classes)

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return self.logits(keras.ops.mean(x, axis=(1, 2)) if self.squeeze else layers.Flatten()(x))


def plain_class(input_shape, classes):
    return Plain(classes, [3, 4], squeeze=True)


def plain_class_within(input_shape, classes):
    image = keras.Input(input_shape)
    return keras.Model(image, layers.Dense(classes)(Plain(classes, widths=[3])(image)))
