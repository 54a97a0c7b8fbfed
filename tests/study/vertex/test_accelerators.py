"""Which machines take which GPUs, and what is said where they do not."""

from typing import Any

import pytest

from trainer.study.vertex.accelerators import problems


def machine(kind: str, accelerator: str = "", count: int = 0) -> dict[str, Any]:
    given = {"acceleratorType": accelerator, "acceleratorCount": count} if accelerator else {}
    return {"machineType": kind, **given}


@pytest.mark.parametrize(
    "fitting",
    [
        machine("n2-standard-8"),
        machine("n1-standard-4", "NVIDIA_TESLA_T4", 1),
        machine("n1-highmem-16", "NVIDIA_TESLA_V100", 4),
        machine("g2-standard-8", "NVIDIA_L4", 1),
        machine("g2-standard-24", "NVIDIA_L4", 2),
        machine("a2-highgpu-8g", "NVIDIA_TESLA_A100", 8),
        machine("a2-megagpu-16g", "NVIDIA_TESLA_A100", 16),
        machine("a2-ultragpu-1g", "NVIDIA_A100_80GB", 1),
        machine("a3-highgpu-8g", "NVIDIA_H100_80GB", 8),
        machine("x9-new-8", "NVIDIA_OF_TOMORROW", 3),
        machine("ct5lp-hightpu-4t", "TPU_V5_LITEPOD", 4),
        machine("n2-standard-8", "ACCELERATOR_TYPE_UNSPECIFIED"),
        {},
    ],
)
def test_says_nothing_of_what_fits_or_is_not_known(fitting: dict[str, Any]) -> None:
    assert [*problems(fitting)] == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            machine("n2-standard-8", "NVIDIA_L4", 1),
            "`--machine_type` must be one that takes NVIDIA_L4, as in g2-standard-8. Received: n2-standard-8",
        ),
        (
            machine("g2-standard-8", "NVIDIA_TESLA_T4", 1),
            "`--machine_type` must be one that takes NVIDIA_TESLA_T4, as in n1-standard-8. Received: g2-standard-8",
        ),
        (
            machine("g2-standard-48"),
            "`--accelerator_type` must be NVIDIA_L4 with --machine_type=g2-standard-48. Received: nothing",
        ),
        (
            machine("g2-standard-48", "NVIDIA_L4", 1),
            "`--accelerator_count` must be 4 with --machine_type=g2-standard-48. Received: 1",
        ),
        (
            machine("a2-highgpu-4g", "NVIDIA_TESLA_A100", 1),
            "`--accelerator_count` must be 4 with --machine_type=a2-highgpu-4g. Received: 1",
        ),
    ],
)
def test_rejects_what_does_not_fit(wrong: dict[str, Any], message: str) -> None:
    assert [*problems(wrong)] == [message]
