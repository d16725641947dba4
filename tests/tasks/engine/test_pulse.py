"""The pulse of a child: it has stopped when several looks after each other see no beat."""

from tasks.engine.pulse import Pulse


def test_silence_counts_by_looks_and_begins_anew_with_each_beat() -> None:
    pulse = Pulse(looks=3)
    pulse.beat()
    assert [pulse.stopped() for _ in range(3)] == [False, False, False]
    pulse.beat()
    assert [pulse.stopped() for _ in range(4)] == [False, False, False, True]
