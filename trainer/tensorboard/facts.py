"""Values in a log for a run's report, which no dashboard of TensorBoard shows."""

PLUGIN = "trainer_report"  # by which they are found
DATA, VALIDATION, TEST, CUES = "report/data", "report/validation", "report/test", "report/cues"  # tags
