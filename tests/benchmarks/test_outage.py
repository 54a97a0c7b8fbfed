import pytest

from benchmarks import outage
from tests import forked


@pytest.mark.slow
def test_what_was_trained_while_the_bucket_was_away_lands(capsys: pytest.CaptureFixture[str]) -> None:
    status = outage.main(["--minutes=0.1"], forked.Popen)
    output = capsys.readouterr().out
    assert status == 0, output
    assert "the bucket holds all" in output
