"""What a worker's parent says of its queues in memory that its children read."""

import os

import pytest

from tasks.engine.consumed_queues import ConsumedQueues


def test_a_child_sees_what_its_parent_consumes_by_now() -> None:
    queues = ConsumedQueues()
    assert queues.now() == []
    queues.note(["default", "night"])
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.read(reading, 1)
        os._exit(0 if queues.now() == ["night"] else 1)
    queues.note(["night"])
    os.write(writing, b"!")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_more_names_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="longer than"):
        ConsumedQueues().note(["x" * 5000])
