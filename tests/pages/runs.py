"""A finished run's files, small and quick to write, for tests of reports."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from trainer.tensorboard import facts, summaries
from trainer.tensorboard.log import RUN, TRAIN, VALIDATION, Log

RECORD: dict[str, Any] = {
    "configuration": {"data": "digits", "epochs": 2, "filters": 4, "precision": "auto", "seed": 0},
    "data": {"classes": ["cat", "dog"], "counts": {"train": 8, "validation": 4, "test": 4}},
    "precision": {"name": "float32", "reason": "asked for"},
    "epoch": {"steps": 10, "samples": 6, "left_out": 2},
    "machine": {"cpu": "a CPU", "cores": 2, "gpus": []},
    "versions": {"python": "3.11.7"},
    "git_revision": None,
    "network": {"family": "convolutional", "reason": "small", "parameters": 1234},
}
NAMES = ("cat", "dog")


def write(root: Path, names: tuple[str, ...] = NAMES, *, is_finished: bool = True, **record: Any) -> Path:
    """Writes a run of two epochs and returns its folder."""
    root.mkdir(parents=True, exist_ok=True)
    content = {**RECORD, "data": {**RECORD["data"], "classes": names}, **record}
    (root / "hparams.json").write_text(json.dumps(content))
    _log(root, names)
    (root / "checkpoints").mkdir(exist_ok=True)
    latest = {"step": 20 if is_finished else 10} | ({"result": {"test_accuracy": 0.75}} if is_finished else {})
    (root / "checkpoints" / "latest.json").write_text(json.dumps(latest))
    if is_finished:
        (root / "model").mkdir(exist_ok=True)
        (root / "model" / "model.json").write_text(json.dumps(card(names)))
    return root


def card(names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    scores = [{"name": name, "precision": 0.5, "recall": 0.5, "f1": None, "support": 2} for name in names]
    return {
        "classes": names,
        "samples": {"train": 8, "validation": 4, "test": 4},
        "accuracy": 0.75,
        "scores": scores,
        "confusions": [[0, 1, 1], [1, 0, 1]],
        "explanation": {"method": "Grad-CAM", "scores": {"Grad-CAM": {"insertion": 0.9}, "occlusion": {"road": 0.1}}},
    }


def _log(root: Path, names: tuple[str, ...]) -> None:
    log = Log(root / "logs")
    picture = np.full((20, 30, 3), 99, np.uint8)
    about = {
        "kind": "image",
        "classes": names,
        "counts": {part: [count] * len(names) for part, count in (("train", 4), ("validation", 2), ("test", 2))},
        "caveats": [f"validation part of 4 images, as {names[0]}"],
        "left_out": [f"{names[0]}/broken.png: an empty file"],
        "left_out_count": 1,
    }
    log.add(RUN, summaries.facts(facts.DATA, about), 0)
    table = "| layer | parameters |\n| --- | ---: |\n| conv\\|1 | 320 |\n| **total** | **320** |\n"
    log.add(RUN, summaries.text("network", table), 0)
    log.add(RUN, summaries.text("command_line", f"    python -m trainer.task --filters=4 --job_dir={root}"), 0)
    for step in (10, 20):
        for run in (TRAIN, VALIDATION):
            log.add(run, summaries.scalar("loss", 10 / step), step)
            log.add(run, summaries.scalar("accuracy", step / 40), step)
        for tag in ("filters/conv1", f"feature_maps/{names[0]}", "exciting/conv1", "own/picture"):
            log.add(TRAIN, summaries.image(tag, picture + step), step)
    for tag in (f"what_decides/{names[1]}", "results/confusion_matrix", "results/worst_mistakes", "data/samples"):
        log.add(VALIDATION, summaries.image(tag, picture), 20)
    found = {"cells": [[0, 0, 2], [1, 0, 1], [1, 1, 1]], "mistakes": [[1, 0, 0.875]]}
    log.add(VALIDATION, summaries.facts(facts.VALIDATION, found), 20)
    log.add(VALIDATION, summaries.image("results/worst_test_mistakes", picture), 20)
    log.add(VALIDATION, summaries.facts(facts.TEST, {"mistakes": [[0, 1, 0.625]], "classified": 4}), 20)
    log.add(VALIDATION, summaries.facts(facts.CUES, [f"100% of the images of class {names[0]} are"]), 20)
    log.close()
