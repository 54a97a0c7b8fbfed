"""The results of a tuning job, written as a study on this machine writes its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from trainer.study.config import document as config
from trainer.study.local import session as local
from trainer.study.local.ledger import NAME, Ledger
from trainer.study.screen import page
from trainer.study.vertex.fetched import trials_of
from trainer.study.vertex.job import ENDED, SUCCEEDED


def write(document: Mapping[str, Any], folder: Path, screen: Console) -> None:
    """Writes the trials of a job, and shows its conclusion if the job has ended.

    Args:
      document: a tuning job as the service has it.
      folder: takes `study.json` and TensorBoard's page.
      screen: what a person watches.

    Raises:
      UsageError: the folder cannot take this study.
      StorageError: the folder can no longer be written.
    """

    def log(line: str) -> None:
        screen.out(line, highlight=False)

    job, trials = config.job(document), trials_of(document)
    with Ledger(folder, job, 0).claimed(log, lambda: False):
        ledger = Ledger(folder, job, 0)
        ledger.put(*trials)
        if document.get("state") in ENDED:
            local.conclude(ledger, "SUCCEEDED" if document["state"] == SUCCEEDED else "FAILED", screen)
        else:
            page.write(job, ledger.trials, folder)
            log(f"the results so far are in {folder / NAME}")
