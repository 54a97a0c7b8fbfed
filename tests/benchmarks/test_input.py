import pytest

from benchmarks import input as images
from tests import forked


@pytest.mark.slow
def test_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    images.main(["--images=160", "--rounds=1", "--memory_images=128", "--filters=2"], forked.Popen)
    names = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert names[:3] == ["peak memory,", "peak memory,", "all / a tenth"]
    assert names[3].startswith("160 JPEGs of 224 pixels, ")
    assert names[4:8] == ["ours, files", "ours, shards", "ours, files, --augment=photo", "Keras"]
    assert names[-1] == "input wait, 2 filters, --augment=photo"
