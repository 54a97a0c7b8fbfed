import pytest

from benchmarks import exports
from tests import forked


@pytest.mark.slow
def test_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--only=convolutional 1", "--samples=90", "--formats", "keras", "savedmodel"]
    exports.main([*small, "--flags", "epochs=1", "filters=2", "dense_units=4", "batch_size=30"], forked.Popen)
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["difference", "bfloat16", "agreement", "accuracy", "bytes", "ms"]
    assert [row.split()[:3] for row in rows] == [["convolutional", "1-D", name] for name in ("keras", "savedmodel")]
    assert all(float(row.split()[3]) <= 1e-4 for row in rows)
