import pytest

from benchmarks import networks
from tests import forked


@pytest.mark.slow
def test_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    networks.main(["--only=linear"], forked.Popen)
    head, row, total = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "trains",
        "resumes",
        "reloads",
        "exports",
        "explained",
        "filters",
        "tf-keras-vis",
        "seconds",
    ]
    assert row.split()[:7] == ["linear", *["yes"] * 6]
    assert total.startswith("1 of 1; ")


def test_there_are_thirty_networks_each_once() -> None:
    found = networks.networks("backbone.keras")
    assert len(found) == len({tuple(flags) for flags in found.values()}) == 30
