import sys
from pathlib import Path

import pytest

from benchmarks import serving
from benchmarks.serving import Load
from tests.serving import models

_WRK = """\
Running 1s test @ http://127.0.0.1:8080/predict
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.21ms    1.03ms  19.70ms   91.20%
    Req/Sec     1.91k   120.51     2.10k    70.00%
  Latency Distribution
     50%    3.99ms
     75%  950.00us
     90%    5.02ms
     99%    1.25s
  1904 requests in 1.00s, 0.93MB read
Requests/sec:   1902.41
Transfer/sec:      0.93MB
"""


def test_reads_what_wrk_prints() -> None:
    assert Load.read(_WRK) == Load(requests=1902.41, p50=3.99, p99=1250.0)


@pytest.mark.parametrize(
    "line", ["  Non-2xx or 3xx responses: 3", "  Socket errors: connect 0, read 1, write 0, timeout 0"]
)
def test_rejects_a_load_that_failed(line: str) -> None:
    with pytest.raises(RuntimeError, match=line.strip()):
        Load.read(_WRK + line)


def test_says_that_it_was_skipped_without_wrk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", ["serving"])
    serving.main()
    assert capsys.readouterr().out.startswith("skipped: wrk")


@pytest.mark.slow
def test_prints_what_each_serves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for wrk that asks once, so that it runs where there is none."""
    wrk = tmp_path / "wrk"
    wrk.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys, urllib.request\n"
        "script = next(word for word in sys.argv if word.startswith('-s'))[2:]\n"
        "body = pathlib.Path(script).with_name('body.json').read_bytes()\n"
        "assert urllib.request.urlopen(sys.argv[-1], body, timeout=30).status == 200\n"
        f"print({_WRK!r})\n"
    )
    wrk.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    model = models.exported(tmp_path / "model", models.build())
    monkeypatch.setattr(sys, "argv", ["serving", f"--model={model}", "--clients=1,2", "--seconds=1", "--rounds=1"])
    serving.main()
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["clients", "requests/s", "p50,", "ms", "p99,", "ms"]
    expected = [name for name in serving.servers(model) for _ in range(2)]
    assert [line[:28].strip() for line in lines] == [*expected, "model.predict, no server"]
