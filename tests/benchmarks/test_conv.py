import pytest

from benchmarks import conv


@pytest.mark.slow
def test_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    conv.main(["--tiny", "--rounds=1", "--dtypes", "float32"])
    printed = capsys.readouterr().out
    for row in (*conv.ZERO_PADDING, *conv.PADDING_MODES, *conv.GROUPS):
        assert f"\n{row.name} " in printed
    assert "ours / torch.nn.Conv2d" in printed
