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

This reference is for anyone who looks up a flag, an environment variable or an exit status of a program. `make flags`
generates this page from the programs, and a test checks that it is current; do not edit it.

`--flag=value` and `--flag value` are equivalent, and so are `--learning-rate` and `--learning_rate`. If a flag is given
twice, the last value counts. `--help` of every program lists its flags. An invalid value ends the program with status 2
and one line that states the rule; [troubleshooting](troubleshooting.md) explains these lines.

| program | what it does | flags |
|---|---|---|
"""

_PROGRAMS = {
    "trainer.task": "trains one network",
    "trainer.study": "tunes hyperparameters with many runs, on this machine or on Vertex AI",
    "trainer.predict": "classifies images, signals or volumes",
    "trainer.evaluate": "measures a trained model on labelled samples",
    "trainer.serve": "serves a model over HTTP",
    "trainer.export": "converts a trained model for other runtimes",
    "trainer.ensemble": "combines trained models to one that predicts the mean of their predictions",
    "trainer.report": "writes the report of a run or a study as one HTML file",
    "trainer.data": "checks a data set and writes it as TFRecord shards",
    "trainer.tensorboard": "TensorBoard, for logs on this machine or in a bucket",
    "trainer.local_cluster": "trains with several worker processes on this machine",
}

_LEADS = {
    "trainer.task": "All flags except those of Devices, Checkpoints and Output are the configuration of the run. A run "
    "can only be resumed with the same configuration.",
    "trainer.study": "It also accepts every flag of [trainer.task](#trainertask), and passes it to each trial. "
    "`--job_dir` is the folder of the study, with one subfolder per trial.",
    "trainer.predict": "All other arguments are samples: files, folders, or `-` for standard input.",
    "trainer.evaluate": "The other argument, DATA, is the data set, as `--data` of [trainer.task](#trainertask). "
    "[Evaluate](evaluate.md) describes the results.",
    "trainer.serve": "In a container on Vertex AI, [environment variables](#environment-variables) give the defaults.",
    "trainer.export": "[Serving](serving.md#other-formats) describes the formats.",
    "trainer.ensemble": "All other arguments are models. [Ensembles](running.md#ensembles) describes the rules.",
    "trainer.report": "[The report](report.md) describes the file, which runs and studies also write at their end.",
    "trainer.data": "The data set is given as for [trainer.task](#trainertask).",
    "trainer.tensorboard": "All other flags are TensorBoard's own, such as `--port` and `--bind_all`: "
    "`python -m trainer.tensorboard --help` lists them.",
    "trainer.local_cluster": "All other flags are those of [trainer.task](#trainertask). The number must "
    "follow an equals sign, as in `--workers=3`.",
}

VARIABLES = {
    "For `trainer.task`": {
        "AIP_MODEL_DIR": "overrides `<job_dir>/model`; Vertex AI derives it from `baseOutputDirectory`",
        "AIP_CHECKPOINT_DIR": "overrides `<job_dir>/checkpoints`",
        "AIP_TENSORBOARD_LOG_DIR": "overrides `<job_dir>/logs`",
        "AIP_DATA_FORMAT": "for `--data=managed`: `csv` or `jsonl`",
        "AIP_TRAINING_DATA_URI": "for `--data=managed`: the files of the training split",
        "AIP_VALIDATION_DATA_URI": "for `--data=managed`: the files of the validation split",
        "AIP_TEST_DATA_URI": "for `--data=managed`: the files of the test split",
        "CLOUD_ML_HP_METRIC_FILE": "the file in which cloudml-hypertune reports the metric of a trial; without it, "
        "nothing is reported",
        "CLOUD_ML_TRIAL_ID": "the trial's number in that report; read by cloudml-hypertune",
        "CLUSTER_SPEC": "the machines of a distributed run, in the format of Vertex AI; `TF_CONFIG` overrides it",
        "TF_CONFIG": "the machines of a distributed run, in the format of TensorFlow",
        "TPU_NAME": "the TPU to train on",
        "KERAS_HOME": "the folder of the data sets that Keras downloads; default `~/.keras`. Its `keras.json` and "
        "Keras's other variables have no effect",
        "TF_NUM_INTRAOP_THREADS": "the number of threads per operation, and therefore the parts of a sum; default: "
        "the number of cores",
        "TF_ENABLE_ONEDNN_OPTS": "`0` disables oneDNN. TensorFlow reads this variable and the next two; `hparams.json` "
        "records them, since they change the results",
        "TF_XLA_FLAGS": "flags of the XLA compiler",
        "TF_DETERMINISTIC_OPS": "`1` makes a GPU add numbers always in the same order",
        "TRAINER_PRECISION_FILE": "the file with the precision that the first trial of a study has chosen for all",
        "TRAINER_PHASE": "what a process does of a run: whole, the default; training, without test, model and report; "
        "finish, what training left out; or stopped, the same of a trial that was stopped early",
        "TRAINER_PARALLEL_TRIALS": "the number of trials of a study that share the memory of a GPU; default 1",
    },
    "For `trainer.serve`": {
        "AIP_STORAGE_URI": "the default of `--model`",
        "AIP_HTTP_PORT": "the default of `--port`; if set, the server listens on all addresses",
        "AIP_HEALTH_ROUTE": "the path of health checks; default `/health`",
        "AIP_PREDICT_ROUTE": "the path of predictions; default `/predict`",
    },
    "For all programs": {
        "GOOGLE_APPLICATION_CREDENTIALS": "a file with Google credentials, for `gs://…` and Vertex AI; Google's "
        "libraries read it",
        "STORAGE_EMULATOR_HOST": "the address of an emulator of Cloud Storage, as in localhost:4443",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM": "the address of another service instead of Vertex AI, as for "
        "gcloud; for `trainer.study`",
        "TF_CPP_MIN_LOG_LEVEL": "the lowest level of TensorFlow's messages: `0` all, `3` errors only; default `3`",
    },
}

STATUSES = {
    "0": ("success; for a server, also stopped by Ctrl-C or SIGTERM", "all"),
    "1": ("too many trials failed, or the job on Vertex AI did not succeed", "`trainer.study`"),
    "2": ("an invalid flag, file or variable; one line explains the error, and nothing was written", "all"),
    "3": ("the loss is not finite", "`trainer.task`"),
    "4": ("the output cannot be written, or a bucket or the service is unreachable; saved data are kept", "all"),
    "130": ("stopped by SIGINT (Ctrl-C); a run or a study has saved its state", "all but servers and TensorBoard"),
    "134": ("another machine of the cluster has failed; Vertex AI restarts such a job", "`trainer.task`"),
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
    parts += ["## Exit statuses", _table(("status", "meaning", "programs"), rows)]
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
