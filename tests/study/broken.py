"""A right config.yaml, and what to change in it to make it wrong."""

GOOD = """\
displayName: small
maxTrialCount: 6
parallelTrialCount: 2
maxFailedTrialCount: 1
labels: {team: vision}
studySpec:
  metrics:
    - metricId: val_accuracy
      goal: MAXIMIZE
  algorithm: ALGORITHM_UNSPECIFIED
  measurementSelectionType: BEST_MEASUREMENT
  convexAutomatedStoppingSpec:
    maxStepCount: 20
    minStepCount: 2
    learningRateParameterName: learning_rate
  studyStoppingConfig:
    minNumTrials: 3
    maxNumTrials: 5
    minimumRuntimeConstraint: {maxDuration: 60s}
    maximumRuntimeConstraint: {maxDuration: 3600s}
  parameters:
    - parameterId: filters
      discreteValueSpec:
        values:
          - 8
          - 16.0
          - 32
      scaleType: UNIT_LOG_SCALE
    - parameterId: padding
      categoricalValueSpec:
        values:
          - same
          - valid
      conditionalParameterSpecs:
        - parentCategoricalValues:
            values:
              - same
          parameterSpec:
            parameterId: stride
            integerValueSpec:
              minValue: 1
              maxValue: 3
            conditionalParameterSpecs:
              - parentIntValues: {values: [1, 2]}
                parameterSpec:
                  parameterId: dilation_rate
                  discreteValueSpec: {values: [1, 2]}
    - parameterId: learning_rate
      doubleValueSpec:
        minValue: 0.0001
        maxValue: 1e-2
      scaleType: UNIT_LOG_SCALE
trialJobSpec:
  baseOutputDirectory:
    outputUriPrefix: gs://BUCKET/trainer
  tensorboard: projects/p-1/locations/europe-west4/tensorboards/123
  serviceAccount: trainer@p-1.iam.gserviceaccount.com
  scheduling:
    strategy: SPOT
    timeout: 7200s
  workerPoolSpecs:
    - machineSpec:
        machineType: n1-standard-8
        acceleratorType: NVIDIA_TESLA_T4
        acceleratorCount: 1
      replicaCount: 1
      diskSpec: {bootDiskType: pd-ssd, bootDiskSizeGb: 100}
      containerSpec:
        imageUri: REGION-docker.pkg.dev/PROJECT/trainer/trainer:latest
        env: [{name: TF_NUM_INTRAOP_THREADS, value: '4'}]
        args:
          - --data=digits
          - --epochs
          - '16'
"""

# What is changed in the file, to what, on which line the reader finds it, and what it says of it.
BROKEN = [
    # Names.
    ("goal: MAX", "gaol: MAX", "gaol:", "`studySpec.metrics[0].gaol` must be one of goal, metricId, safetyConfig (did"),
    ("scaleType: UNIT", "scale_type: UNIT", "scale_type", "(did you mean scaleType?). Received: scale_type"),
    ("scaleType: UNIT", "scaletype: UNIT", "scaletype", "did you mean scaleType?"),
    (
        "  algorithm:",
        "  maxTrialCount: 3\n  algorithm:",
        "  maxTrialCount: 3",
        "maxTrialCount belongs to the job itself",
    ),
    ("      replicaCount: 1", "      replicaCount: 1\n      machineType: a", "machineType: a", "[0].machineSpec"),
    ("displayName: small", "displayName: small\nmetricId: a", "metricId: a", "belongs below studySpec.metrics[0]"),
    # YAML.
    ("maxFailedTrialCount: 1", "maxTrialCount: 7", "maxTrialCount: 7", "must be given once: it is on line 2 too"),
    (
        "          - same\n",
        "          - yes\n",
        "- yes",
        "YAML reads yes, no, on and off as true and false, so put it in",
    ),
    ("          - valid\n", "          - 1\n", "- 1\n", "must be text: put it in quotes. Received: 1"),
    ("timeout: 7200s", "timeout: 2026-01-01", "timeout", "a time in seconds, as in 3600s. Received: 2026-01-01"),
    ("team: vision", "yes: vision", "labels", "`labels.yes` must have names that are text"),
    ("learning_rate\n      double", "!flag learning_rate\n      double", "!flag", "must be text, a number, a list or"),
    ("displayName: small", "displayName: &a [*a]", "displayName", "must not contain itself"),
    ("algorithm: ALGORITHM_UNSPECIFIED", "algorithm:", "algorithm:", "must have a value, or be left out"),
    (
        "convexAutomatedStoppingSpec:\n    maxStepCount: 20\n    minStepCount: 2\n    learningRate",
        "decayCurveStoppingSpec:\n  # learningRate",
        "decayCurve",
        "({} is an empty one)",
    ),
    # Kinds.
    ("maxTrialCount: 6", "maxTrialCount: six", "maxTrialCount", "must be a whole number. Received: six"),
    ("maxTrialCount: 6", "maxTrialCount: 6.5", "maxTrialCount", "must be a whole number. Received: 6.5"),
    ("maxTrialCount: 6", "maxTrialCount: 6000000000", "maxTrialCount", "below 2 to the power of 31"),
    ("          - 16.0", "          - .inf", ".inf", "must be a finite number. Received: .inf"),
    (
        "metrics:\n    - metricId: val_accuracy\n      goal: MAXIMIZE",
        "metrics: val_accuracy",
        "metrics:",
        "must be a list",
    ),
    ("{maxDuration: 60s}", "60s", "minimumRuntime", "must be a mapping of endTime, maxDuration. Received: 60s"),
    ("{maxDuration: 60s}", "{maxDuration: 1m}", "minimumRuntime", "a time in seconds, as in 3600s. Received: 1m"),
    ("SPOT", "SPOTT", "SPOTT", "STANDARD, SPOT, FLEX_START (did you mean SPOT?). Received: SPOTT"),
    (
        "ALGORITHM_UNSPECIFIED",
        "2",
        "algorithm",
        "one of ALGORITHM_UNSPECIFIED, GRID_SEARCH, RANDOM_SEARCH. Received: 2",
    ),
    ("{team: vision}", "{team: 1}", "labels", "`labels.team` must be text"),
    # Counts.
    (
        "maxTrialCount: 6\n",
        "",
        "displayName",
        "`maxTrialCount` must be a whole number of at least 1. Received: nothing",
    ),
    ("maxTrialCount: 6", "maxTrialCount: 0", "maxTrialCount", "at least 1. Received: 0"),
    ("parallelTrialCount: 2", "parallelTrialCount: 7", "parallel", "must be at most maxTrialCount, 6. Received: 7"),
    (
        "parallelTrialCount: 2",
        "parallelTrialCount: -1",
        "parallel",
        "must be a whole number of at least 1. Received: -1",
    ),
    ("maxFailedTrialCount: 1", "maxFailedTrialCount: 7", "maxFailed", "must be at most maxTrialCount, 6. Received: 7"),
    ("maxFailedTrialCount: 1", "maxFailedTrialCount: -1", "maxFailed", "at least 0. Received: -1"),
    # The job.
    ("displayName: small", "displayName: ''", "displayName", "`displayName` must be given. Received: nothing"),
    ("displayName: small", f"displayName: {'a' * 129}", "displayName", "must be at most 128 characters"),
    ("displayName: small", "displayName: a\nstate: JOB_STATE_PENDING", "state", "must be left out: the service"),
    ("team: vision", "Team: vision", "labels", "must have a name of lowercase letters"),
    ("team: vision", "team: Vision", "labels", "must be lowercase letters, digits, _ and -, at most 64. Received: Vis"),
    # Metrics.
    (
        "metricId: val_accuracy",
        "metricId: accuracy",
        "accuracy",
        "must be one of val_accuracy, val_balanced_accuracy, val_macro_f1, val_auc, val_average_precision, val_f1, "
        "val_mean_absolute_error, val_r2, val_loss. Received: accuracy",
    ),
    ("goal: MAXIMIZE", "goal: MINIMIZE", "MINIMIZE", "must be MAXIMIZE: a higher val_accuracy is better"),
    (
        "metricId: val_accuracy",
        "metricId: val_loss",
        "MAXIMIZE",
        "must be MINIMIZE: a lower val_loss is better. Received: MAXIMIZE",
    ),
    ("goal: MAXIMIZE", "goal: MOST", "MOST", "must be one of GOAL_TYPE_UNSPECIFIED, MAXIMIZE, MINIMIZE"),
    (
        "goal: MAXIMIZE",
        "goal: MAXIMIZE\n    - metricId: loss",
        "loss",
        "must not be there: the program reports one metric",
    ),
    ("goal: MAXIMIZE", "safetyConfig: {safetyThreshold: 1}", "safetyConfig", "must be left out"),
    (
        "  algorithm",
        "  observationNoise: LOW\n  algorithm",
        "observationNoise",
        "must be left out: tuning jobs do not support it",
    ),
    # Stopping.
    (
        "  algorithm",
        "  medianAutomatedStoppingSpec: {}\n  algorithm",
        "convexA",
        "must not be used with `medianAutomated",
    ),
    ("minStepCount: 2", "minStepCount: 21", "minStepCount", "must be at most maxStepCount, 20. Received: 21"),
    (
        "ParameterName: learning_rate",
        "ParameterName: rate",
        "ParameterName",
        "one of filters, stride, dilation_rate, learn",
    ),
    ("minNumTrials: 3", "minNumTrials: 6", "minNumTrials", "must be at most maxNumTrials, 5. Received: 6"),
    ("minNumTrials: 3\n    maxNumTrials: 5", "minNumTrials: 7", "minNumTrials", "must be at most maxTrialCount, 6"),
    ("maxNumTrials: 5", "maxNumTrials: 0", "maxNumTrials", "at least 1. Received: 0"),
    ("{maxDuration: 60s}", "{maxDuration: 3601s}", "minimumR", "must be at most maximumRuntimeConstraint's, 3600s"),
    ("{maxDuration: 60s}", "{}", "minimumR", "must have maxDuration or endTime. Received: {}"),
    (
        "{maxDuration: 60s}",
        "{maxDuration: 60s, endTime: '2026-01-01T00:00:00Z'}",
        "minimumR",
        "be used with `maxDuration`",
    ),
    ("{maxDuration: 60s}", "{endTime: '2026-01-01T00:00:00+01:00'}", "minimumR", "must be in UTC"),
    ("{maxDuration: 60s}", "{endTime: 2026-01-01T00:00:00Z}", "minimumR", "a time in quotes"),
    ("{maxDuration: 60s}", "{maxDuration: 0s}", "minimumR", "must be more than 0s"),
    # Parameters.
    ("parameterId: filters", "parameterId: filter", "filter\n", "(did you mean filters?). Received: filter"),
    (
        "parameterId: filters",
        "parameterId: log_images",
        "log_images",
        "must be a flag of what is trained",
    ),
    ("- parameterId: filters\n      ", "- ", "discreteValueSpec:\n", "must be a flag of `python -m trainer.task`"),
    (
        "parameterId: filters",
        "parameterId: padding",
        "d: padding\n      cat",
        "must be unique: studySpec.parameters[0] is",
    ),
    ("parameterId: dilation_rate", "parameterId: filters", "          parameterId: filters", "must be unique"),
    ("          - 16.0", "          - 16.5", "16.5", "must be a whole number, as `--filters` is. Received: 16.5"),
    (
        "          - 16.0",
        "          - 40",
        "- 32",
        "must be more than the previous value, 40, because the values must ascend",
    ),
    ("          - 16.0", "          - 8", "- 8\n          - 32", "must be more than the previous value, 8"),
    ("          - 8\n", "          - 0\n", "- 0\n", "must be at least 1, as `--filters` must. Received: 0"),
    ("          - 8\n", "          - 0\n", "- 0\n", "must be more than 0 for UNIT_LOG_SCALE. Received: 0"),
    (
        "values:\n          - 8\n          - 16.0\n          - 32",
        "values: []",
        "values: []",
        "must contain at least one value",
    ),
    ("          - valid\n", "          - smae\n", "smae", "must be one of same, valid, causal, as `--padding` must."),
    ("          - valid\n", "          - same\n", "same\n      cond", "must be there once. Received: same"),
    ("          - valid\n", "          - ''\n", "''", "must be one of same, valid, causal"),
    (
        "    - parameterId: learning",
        "      scaleType: UNIT_LOG_SCALE\n    - parameterId: learning",
        "E\n    - parameterId: l",
        "`studySpec.parameters[1].scaleType` must be unset for a categorical parameter. Received: UNIT_LOG_SCALE",
    ),
    ("minValue: 0.0001", "minValue: 0", "minValue: 0", "must be more than 0 for UNIT_LOG_SCALE. Received: 0"),
    ("minValue: 0.0001", "minValue: 0.1", "minValue: 0.1", "must be at most maxValue, 1e-2. Received: 0.1"),
    ("        minValue: 0.0001\n", "", "doubleValueSpec", "doubleValueSpec.minValue` must be given. Received: nothing"),
    ("maxValue: 1e-2", "maxValue: 1e-2\n        defaultValue: 0.001", "defaultValue", "tuning jobs do not support it"),
    ("minValue: 1\n", "minValue: 0\n", "minValue: 0", "must be at least 1, as `--stride` must"),
    (
        "integerValueSpec",
        "doubleValueSpec",
        "doubleValueSpec",
        "`--stride` is a whole number. Received: doubleValueS",
    ),
    (
        "categoricalValueSpec:\n        values:\n          - same\n          - valid",
        "discreteValueSpec: {values: [1, 2]}",
        "[1, 2]}\n      cond",
        "must be categoricalValueSpec: `--padding` is text. Received: discreteValueSpec",
    ),
    (
        "      scaleType: UNIT_LOG_SCALE\n    - ",
        "      integerValueSpec: {}\n    - ",
        "integerValueSpec: {}",
        "must not be used with `discreteValueSpec`: one of",
    ),
    (
        "      doubleValueSpec:\n        minValue: 0.0001\n        maxValue: 1e-2\n",
        "",
        "rate\n      scale",
        "must have one of dou",
    ),
    ("ALGORITHM_UNSPECIFIED", "GRID_SEARCH", "doubleValueSpec", "for GRID_SEARCH. Received: doubleValueSpec"),
    # Conditions.
    (
        "              - same\n",
        "              - smae\n",
        "smae",
        "must be a value of the parent: same, valid. Received: smae",
    ),
    (
        "{values: [1, 2]}\n                p",
        "{values: [1, 4]}\n                p",
        "[1, 4]",
        "of the parent: 1 to 3. Received: 4",
    ),
    (
        "parentIntValues",
        "parentDiscreteValues",
        "parentDiscrete",
        "must be parentIntValues, because the parent is integer",
    ),
    (
        "parentIntValues: {values: [1, 2]}\n                p",
        "p",
        "- parameterSpec",
        "must have parentIntValues, with which",
    ),
    (
        "{values: [1, 2]}\n                p",
        "{}\n                p",
        "parentInt",
        "must contain at least one value of the parent",
    ),
    (
        "maxValue: 1e-2\n",
        "maxValue: 1e-2\n      conditionalParameterSpecs:\n        - parameterSpec: {parameterId: depth, "
        "integerValueSpec: {minValue: 1, maxValue: 2}}\n",
        "d: depth",
        "a double parameter has no conditional ones",
    ),
    # What runs.
    ("--data=digits", "--dta=digits", "--dta", "`--dta` is not a flag. Did you mean --data?"),
    ("--data=digits", "--dropout=2", "--dropout", "`--dropout` must be at least 0 and below 1. Received: 2"),
    ("- '16'", "- few", "- --epochs", "`--epochs` must be auto, or a whole number of at least 0. Received: few"),
    ("- '16'\n", "- 16\n", "          - 16\n", "must be text: put it in quotes. Received: 16"),
    ("--data=digits", "--filters=8", "--filters=8", "must be left out: studySpec.parameters[0] tunes it"),
    ("--data=digits", "--job-dir=a", "--job-dir", "must be left out: each trial has its own folder"),
    ("--data=digits", "--epochs=3", "- --epochs\n", "must be a flag that is not already given. Received: --epochs"),
    ("--data=digits", "digits", "- digits", "every argument must be a flag, as in --data=digits. Received: digits"),
    (
        "        args:",
        "        command: [bash]\n        args:",
        "command",
        "must be left out, or be [python, -m, trainer.task]",
    ),
    ("TF_NUM_INTRAOP_THREADS", "TF_CONFIG", "TF_CONFIG", "must not be a variable that the service sets"),
    ("TF_NUM_INTRAOP_THREADS", "2A", "2A", "must be letters, digits and _, and must not start with a digit"),
    # Machines.
    ("replicaCount: 1", "replicaCount: 2", "replicaCount", "must be 1: the first pool is the primary machine"),
    ("      replicaCount: 1\n", "", "- machineSpec", "must be 1: the first pool is the primary machine"),
    (
        "        machineType: n1-standard-8\n",
        "",
        "machineSpec:",
        "must be given, as in n2-standard-8. Received: nothing",
    ),
    ("n1-standard-8", "n1_standard_8", "n1_standard", "must be a machine type, as in n2-standard-8"),
    ("NVIDIA_TESLA_T4", "TPU_V3", "TPU_V3", "must not be a TPU's: tuning jobs have no TPUs"),
    (
        "        acceleratorCount: 1\n",
        "",
        "machineSpec:",
        "must be at least 1 with `acceleratorType`, NVIDIA_TESLA_T4",
    ),
    ("        acceleratorType: NVIDIA_TESLA_T4\n", "", "machineSpec:", "must be given with `acceleratorCount`, 1"),
    ("pd-ssd", "ssd", "diskSpec", "must be one of pd-ssd, pd-standard, hyperdisk-balanced. Received: ssd"),
    ("SPOT", "LOW_COST", "LOW_COST", "must be one of STANDARD, SPOT, FLEX_START; it is SPOT now. Received: LOW_COST"),
    ("timeout: 7200s", "maxWaitDuration: 60s", "maxWait", "must be left out: only FLEX_START has it"),
    ("timeout: 7200s", "timeout: -1s", "timeout", "must be more than 0s. Received: -1s"),
    # Addresses.
    (
        "gs://BUCKET",
        "BUCKET",
        "outputUriPrefix",
        "must be a folder in a bucket, as in gs://bucket/folder. Received: BUCKET/",
    ),
    ("gs://BUCKET", "gs://My_Bucket", "outputUriPrefix", "must be a folder in a bucket"),
    (
        "    outputUriPrefix: gs://BUCKET/trainer",
        "    {}",
        "baseOutput",
        "outputUriPrefix` must be a folder in a bucket",
    ),
    (
        "REGION-docker.pkg.dev/PROJECT/trainer/trainer:latest",
        "trainer latest",
        "imageUri",
        "must be a container image, as",
    ),
    (
        "p-1/locations/europe-west4",
        "p-1/europe-west4",
        "tensorboard:",
        "of the form projects/…/locations/…/tensorboards/…",
    ),
    (
        "europe-west4",
        "europe-west44",
        "tensorboard:",
        "must be in a region that trains: one of africa-south1, asia-east1",
    ),
    (
        "trainer@p-1.iam.gserviceaccount.com",
        "me@example.com",
        "serviceAccount",
        "must be a service account, as in trainer@",
    ),
    (
        "  serviceAccount: trainer@p-1.iam.gserviceaccount.com\n",
        "",
        "tensorboard:",
        "or be used with `serviceAccount`, whi",
    ),
    (
        "  scheduling",
        "  network: projects/p-1/global/networks/n\n  scheduling",
        "network:",
        "with the project's number",
    ),
    (
        "labels",
        "encryptionSpec: {kmsKeyName: projects/p/locations/us-east1/keyRings/k/cryptoKeys/c}\nlabels",
        "encryptionSpec",
        "must be in the region of trialJobSpec.tensorboard, europe-west4",
    ),
]

BREAK_TWO_RULES = (
    "          - 0\n",  # the scale's and the flag's
    "minValue: 0",
    "parameterId: padding",  # its former flag takes numbers
    "displayName: &a [*a]",  # it is a list too
    "doubleValueSpec",  # the parent's kind
    "discreteValueSpec: {values: [1, 2]}",
)
