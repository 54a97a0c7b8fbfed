"""Jobs in JSON's form, for tests."""

import copy
from typing import Any

_SPEC: dict[str, Any] = {
    "workerPoolSpecs": [
        {
            "machineSpec": {"machineType": "n2-standard-8"},
            "replicaCount": 1,
            "containerSpec": {
                "imageUri": "REGION-docker.pkg.dev/PROJECT/trainer/trainer:latest",
                "args": ["--data=digits", "--epochs=16"],
            },
        }
    ],
    "scheduling": {"strategy": "SPOT"},
    "baseOutputDirectory": {"outputUriPrefix": "gs://BUCKET/trainer"},
}
_TUNING: dict[str, Any] = {
    "displayName": "trainer",
    "labels": {"trainer-submission": "one"},
    "studySpec": {
        "metrics": [{"metricId": "val_accuracy", "goal": "MAXIMIZE"}],
        "measurementSelectionType": "BEST_MEASUREMENT",
        "parameters": [
            {
                "parameterId": "filters",
                "discreteValueSpec": {"values": [16, 32, 64]},
                "scaleType": "UNIT_LOG_SCALE",
            },
            {
                "parameterId": "stride",
                "integerValueSpec": {"minValue": 1, "maxValue": 2},
                "conditionalParameterSpecs": [
                    {
                        "parentIntValues": {"values": [1]},
                        "parameterSpec": {
                            "parameterId": "dilation_rate",
                            "integerValueSpec": {"minValue": 1, "maxValue": 2},
                        },
                    }
                ],
            },
            {"parameterId": "padding", "categoricalValueSpec": {"values": ["same", "valid"]}},
            {
                "parameterId": "learning_rate",
                "doubleValueSpec": {"minValue": 0.0001, "maxValue": 0.01},
                "scaleType": "UNIT_LOG_SCALE",
            },
        ],
    },
    "maxTrialCount": 4,
    "parallelTrialCount": 2,
    "maxFailedTrialCount": 2,
    "trialJobSpec": _SPEC,
}


def tuning(**changes: Any) -> dict[str, Any]:
    """Returns a tuning job, its own copy, with other values."""
    return copy.deepcopy(_TUNING) | changes


def custom(**changes: Any) -> dict[str, Any]:
    """Returns a custom job, its own copy, with other values."""
    labels = {"trainer-submission": "one"}
    return {"displayName": "one run", "labels": labels, "jobSpec": copy.deepcopy(_SPEC)} | changes


def trial(number: int, state: str, *values: float, **changes: Any) -> dict[str, Any]:
    """Returns a trial as the service writes it, with a measurement for each value of the metric."""
    measured = [
        {
            "elapsedDuration": f"{10 * step}.500s",
            "stepCount": str(step),
            "metrics": [{"metricId": "val_accuracy", "value": value}],
        }
        for step, value in enumerate(values, 1)
    ]
    return {
        "id": str(number),
        "state": state,
        "parameters": [
            {"parameterId": "filters", "value": 32.0},
            {"parameterId": "stride", "value": 1.0},
            {"parameterId": "dilation_rate", "value": 2.0},
            {"parameterId": "padding", "value": "same"},
            {"parameterId": "learning_rate", "value": 0.002},
        ],
        "measurements": measured,
        "startTime": "2026-07-01T12:00:00Z",
        **({"finalMeasurement": max(measured, key=lambda one: one["metrics"][0]["value"])} if measured else {}),
        **changes,
    }
