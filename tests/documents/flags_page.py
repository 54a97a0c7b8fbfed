"""Writes docs/flags.md from the programs themselves: `python -m tests.documents.flags_page`, or `make flags`."""

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.documents.flag_lists import Flag, flags

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "flags.md"

_HEAD = """\
# Flags

Every flag, variable and exit status of every program. `make flags` writes this page from the programs themselves, and a
test says when it is out of date; do not edit it.

`--flag=value` and `--flag value` are the same, and so are `--learning-rate` and `--learning_rate`. A flag given twice
has its last value. Every program prints its own by `--help`. A value that breaks its rule ends the program with status
2 and one line that says the rule; [troubleshooting](troubleshooting.md) has the lines.

| program | what it does | flags |
|---|---|---|
"""

_PROGRAMS = {
    "trainer.task": "trains one network",
    "trainer.study": "tunes: many runs, here or on Vertex AI",
    "trainer.predict": "says what images show",
    "trainer.serve": "answers prediction requests over HTTP",
    "trainer.data": "checks a data set, and writes it as TFRecord shards",
    "trainer.tensorboard": "TensorBoard, for logs on this machine or in a bucket",
    "trainer.local_cluster": "one training on several worker processes of this machine",
}

_LEADS = {
    "trainer.task": "The flags but those of Devices, Checkpoints and Output are the run's configuration: a run goes on "
    "with the same ones only.",
    "trainer.study": "Besides, it takes every flag of [trainer.task](#trainertask), and hands it to each trial. "
    "`--job_dir` is the study's folder, with one folder for each trial.",
    "trainer.predict": "All other arguments are images: files, folders, or `-` for standard input.",
    "trainer.serve": "In a container of Vertex AI, [variables](#environment-variables) say the rest.",
    "trainer.data": "The data set is as in [trainer.task](#trainertask).",
    "trainer.tensorboard": "All other flags are TensorBoard's own, as `--port` and `--bind_all`: "
    "`python -m trainer.tensorboard --help` lists them.",
    "trainer.local_cluster": "All other flags are those of [trainer.task](#trainertask). The number must "
    "follow an equals sign, as in `--workers=3`.",
}

VARIABLES = {
    "Of a training run: `trainer.task`": {
        "AIP_MODEL_DIR": "takes the place of `<job_dir>/model`; on Vertex AI, from `baseOutputDirectory`",
        "AIP_CHECKPOINT_DIR": "takes the place of `<job_dir>/checkpoints`",
        "AIP_TENSORBOARD_LOG_DIR": "takes the place of `<job_dir>/logs`",
        "AIP_DATA_FORMAT": "of `--data=managed`: `csv` or `jsonl`",
        "AIP_TRAINING_DATA_URI": "of `--data=managed`: the files of the training part",
        "AIP_VALIDATION_DATA_URI": "of `--data=managed`: the files of the validation part",
        "AIP_TEST_DATA_URI": "of `--data=managed`: the files of the test part",
        "CLOUD_ML_HP_METRIC_FILE": "where a trial reports its metric, by cloudml-hypertune; nothing is reported "
        "without it",
        "CLOUD_ML_TRIAL_ID": "the trial's number in that report; read by cloudml-hypertune",
        "CLUSTER_SPEC": "the machines that train together, as Vertex AI names them; `TF_CONFIG` goes before it",
        "TF_CONFIG": "the machines that train together, as TensorFlow names them",
        "TPU_NAME": "the TPU to train on",
        "KERAS_HOME": "holds the data sets that Keras downloads; `~/.keras` if not given. Its `keras.json` and Keras's "
        "other variables change nothing",
        "TF_NUM_INTRAOP_THREADS": "the threads that share an operation, and so the parts of a sum; as many as "
        "there are cores if not given",
        "TF_ENABLE_ONEDNN_OPTS": "`0` computes without oneDNN. This and the following two TensorFlow reads; they are "
        "recorded in `hparams.json`, since weights are then not the same to the bit",
        "TF_XLA_FLAGS": "flags of its compiler",
        "TF_DETERMINISTIC_OPS": "`1` has a GPU sum up in one order always",
        "TRAINER_PRECISION_FILE": "where the trials of a study keep the precision that the first of them has chosen",
    },
    "Of a server: `trainer.serve`": {
        "AIP_STORAGE_URI": "the model, where `--model` is not given",
        "AIP_HTTP_PORT": "the port, where `--port` is not given; then it listens on all addresses",
        "AIP_HEALTH_ROUTE": "the path of health checks; `/health` if not given",
        "AIP_PREDICT_ROUTE": "the path of predictions; `/predict` if not given",
    },
    "Of everything": {
        "GOOGLE_APPLICATION_CREDENTIALS": "a file with Google credentials, for `gs://…` and Vertex AI; Google's "
        "libraries read it",
        "STORAGE_EMULATOR_HOST": "an address in place of Cloud Storage, as in localhost:4443",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM": "an address in place of Vertex AI, as gcloud takes it; for "
        "`trainer.study`",
        "TF_CPP_MIN_LOG_LEVEL": "how much TensorFlow says of itself: `0` all, `3` errors only; set to `3` if not given",
    },
}

STATUSES = {
    "0": ("done; of a server, also ended by Ctrl-C or SIGTERM", "all"),
    "1": ("too many trials failed, or the job on Vertex AI did not succeed", "`trainer.study`"),
    "2": ("a flag, a file or a variable breaks a rule; one line says which and how, and nothing was written", "all"),
    "3": ("the loss is no longer finite", "`trainer.task`"),
    "4": ("the output cannot be written, or a bucket or the service cannot be reached; what was saved stays", "all"),
    "130": ("stopped by SIGINT (Ctrl-C); a run or a study has saved its state", "all but servers and TensorBoard"),
    "134": ("another machine of the cluster is gone; Vertex AI starts such a job again", "`trainer.task`"),
    "143": ("stopped by SIGTERM; a run or a study has saved its state", "`trainer.task`, `trainer.study`"),
}


def page() -> str:
    """Returns the page."""
    found = {program: flags(ROOT, program) for program in _PROGRAMS}
    index = [
        f"| [`python -m {program}`](#{program.replace('.', '')}) | {what} | {len(found[program])} |"
        for program, what in _PROGRAMS.items()
    ]
    parts = [
        _HEAD + "\n".join(index),
        "[Environment variables](#environment-variables), [exit statuses](#exit-statuses)",
    ]
    for program, own in found.items():
        parts += [f"## {program}", *filter(None, [_filled(_LEADS.get(program, ""))]), *_tables(program, own)]
    parts.append("## Environment variables")
    for group, variables in VARIABLES.items():
        rows = [(f"`{name}`", what) for name, what in variables.items()]
        parts += [f"### {group}", _table(("variable", "meaning"), rows)]
    rows = [(f"`{status}`", *said) for status, said in STATUSES.items()]
    parts += ["## Exit statuses", _table(("status", "meaning", "of"), rows)]
    return "\n\n".join(parts) + "\n"


def _tables(program: str, own: Iterable[Flag]) -> Iterator[str]:
    """Yields the heading of each group of flags, and its table."""
    groups: dict[str, list[Flag]] = {}
    for flag in own:
        groups.setdefault(flag.group, []).append(flag)
    for group, members in groups.items():
        if group:
            yield f"### {group}"
        yield _table(
            ("flag", "default", "must be", "meaning"),
            [
                (f'<a id="{program.split(".")[1]}-{one.name}"></a>`--{one.name}`', one.default, one.rule, one.meaning)
                for one in members
            ],
        )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(re.sub(" +", " ", f"| {' | '.join(line)} |") for line in lines)


def _filled(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def main() -> int:
    """Writes the page, and returns the exit status."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
