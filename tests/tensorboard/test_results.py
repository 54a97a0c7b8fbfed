import numpy as np

from trainer.tensorboard.draw import results


def test_confusion_matrix_of_few_and_many_classes() -> None:
    assert results.confusion_matrix(np.eye(3, dtype=int), ["cat", "dog", "a long name"]).shape[1] > 100
    assert max(results.confusion_matrix(np.eye(200, dtype=int), [str(i) for i in range(200)]).shape) < 1000


def test_a_sprite_is_square() -> None:
    assert results.sprite(np.zeros((10, 5, 7, 3), np.uint8), 8).shape == (32, 32, 3)
