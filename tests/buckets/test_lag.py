from trainer.buckets.lag import Lag


def test_says_when_it_grows_and_when_it_has_gone() -> None:
    now, said = [0.0], list[str]()
    lag = Lag("gs://bucket/run", said.append, lambda: now[0])
    for second in range(0, 1000, 5):
        now[0] = float(second)
        lag.note(True)
        lag.speak("503" if second < 100 else "")
        assert lag.seconds == second
    lag.note(True, since=990.0)  # what had changed before that has landed
    assert lag.seconds == 5
    lag.note(False)
    lag.speak("")
    lag.speak("")
    assert said == [
        "gs://bucket/run is 60 s behind: 503",
        "gs://bucket/run is 120 s behind",
        "gs://bucket/run is 240 s behind",
        "gs://bucket/run is 480 s behind",
        "gs://bucket/run is 960 s behind",
        "gs://bucket/run has caught up",
    ]
    assert lag.seconds == 0


def test_a_jump_is_one_line() -> None:
    now, said = [0.0], list[str]()
    lag = Lag("it", said.append, lambda: now[0])
    lag.note(True)
    for now[0] in (500.0, 900.0, 1000.0):
        lag.speak("")
    assert said == ["it is 500 s behind", "it is 1000 s behind"]
