"""The flag that an unknown one means: a similar spelling, or the name in other programs."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

# The names of flags in Keras, PyTorch, scikit-learn, darknet, and TensorFlow's and Hugging Face's examples.
_OTHERS = {
    "data": "data_dir data_path data_root datadir dataset dataset_dir dataset_path images image_dir input input_dir "
    "root source train train_data train_dir train_path training_data",
    "job_dir": "checkpoint_dir ckpt_dir experiment_dir log_dir logdir model_dir out out_dir outdir outfile output "
    "output_dir output_path outputs result_dir results run_dir save_dir save_path train_dir work_dir workdir",
    "out": "dest_dir job_dir log_dir outdir outfile output output_dir output_path results result_dir save_dir",
    "to": "destination dst job_dir out out_dir outdir output output_dir target",
    "model": "checkpoint ckpt model_dir model_path saved_model weights",
    "learning_rate": "alpha base_lr eta init_lr initial_learning_rate learning_rate_init lr lrate max_lr rate "
    "step_size",
    "batch_size": "b batch bs per_device_train_batch_size train_batch_size",
    "max_batch": "b batch batch_size bs max_batch_size",
    "epochs": "max_epochs n_epochs nb_epoch nb_epochs num_epochs num_train_epochs train_epochs",
    "image_size": "crop_size dim height image_height image_width img img_size imgsz input_shape input_size pixels "
    "resize resolution size target_size",
    "validation_split": "val_fraction val_percent val_ratio val_size val_split validation_fraction validation_size",
    "color": "color_mode colour grayscale greyscale",
    "augment": "aug augmentation augmentations data_augmentation flip",
    "skip_broken": "ignore_broken ignore_errors skip_bad skip_corrupt skip_errors skip_invalid",
    "class_weights": "balanced class_weight",
    "filters": "channels feature_maps n_filters nb_filters num_channels num_filters out_channels width",
    "depth": "conv_layers layers n_layers num_conv_layers num_layers",
    "kernel_size": "filter_size k kernel ksize",
    "stride": "strides",
    "padding": "border pad",
    "dilation_rate": "dilation dilations",
    "activation": "act activation_fn nonlinearity",
    "dense_units": "dense fc hidden hidden_dim hidden_size hidden_units mlp_dim n_hidden units",
    "dropout": "drop drop_rate dropout_prob dropout_rate p_drop",
    "schedule": "decay learning_rate_schedule lr_decay lr_schedule lr_scheduler lr_scheduler_type scheduler",
    "optimizer": "opt optim optimiser",
    "momentum": "beta",
    "weight_decay": "l2 l2_reg wd",
    "precision": "amp bf16 dtype fp16 half mixed_precision",
    "seed": "random_seed random_state rng",
    "strategy": "accelerator cuda device devices distribute distribution distribution_strategy gpu gpus num_gpus",
    "checkpoint_every": "checkpoint_freq checkpoint_interval save_every save_freq save_interval save_steps",
    "keep_checkpoints": "keep max_to_keep save_total_limit",
    "resume": "continue continue_from load restore resume_from resume_from_checkpoint",
    "quiet": "q s silent",
    "verbose": "debug log_level v verbosity",
    "profile_steps": "profile profile_batch profiler",
    "cache_dir": "cache tmp_dir",
    "max_trial_count": "max_trials n_trials num_samples num_trials trials",
    "parallel_trial_count": "jobs max_concurrent_trials n_jobs num_workers parallel workers",
    "top": "k n top_k topk",
    "host": "address bind ip listen",
}


def meant(typed: str, known: Iterable[str]) -> str:
    """Returns the known flag, or `help`, that a name means; an empty text if none is similar.

    Args:
      typed: the name, with or without dashes.
      known: the names of the flags, without dashes.
    """
    name, names = typed.lstrip("-").replace("-", "_"), ["help", *known]
    found = itertools.chain(_plain(name.lower(), names), _abbreviated(name, names), _near(name.lower(), names))
    return next(found, "")


def advice(typed: str, known: Iterable[str]) -> str:
    """Returns the advice of a message about an unknown flag."""
    flag = meant(typed, known)
    return f"Did you mean --{flag}?" if flag else "--help lists all."


def distance(one: str, other: str) -> int:
    """Returns the number of letters to insert, delete, replace, or swap with their neighbor.

    Source: optimal string alignment, as in Boytsov, "Indexing methods for approximate dictionary searching" (2011).
    """
    before: list[int] = []
    row: list[int] = [*range(len(other) + 1)]
    for index, letter in enumerate(one, 1):
        before, last, row = row, before, [index]
        for column, against in enumerate(other, 1):
            costs = [before[column] + 1, row[column - 1] + 1, before[column - 1] + (letter != against)]
            if last and column > 1 and (letter, one[index - 2]) == (other[column - 2], against):
                costs.append(last[column - 2] + 1)
            row.append(min(costs))
    return row[-1]


def _plain(name: str, names: Sequence[str]) -> Iterator[str]:
    """Yields the flags with the same letters, and flags that have this name in other programs."""
    letters = name.replace("_", "")
    yield from (flag for flag in names if flag.replace("_", "") == letters)
    yield from (flag for flag in names if letters in _OTHERS.get(flag, "").replace("_", "").split())


def _abbreviated(name: str, names: Sequence[str]) -> Iterator[str]:
    found = [flag for flag in names if flag.startswith(name)]
    yield from found if len(name) > 1 and len(found) == 1 else ()


def _near(name: str, names: Sequence[str]) -> Iterator[str]:
    """Yields the flag with the nearest spelling, if at most a quarter of the letters, or one, differ."""
    flag = min(names, key=lambda flag: distance(name, flag))
    yield from [flag] if distance(name, flag) <= max(1, len(name) // 4) and len(name) > 1 else ()
