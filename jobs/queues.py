"""The queues that the kinds of job name."""

from jobs import kinds


def queue_names() -> list[str]:
    return sorted({kind.queue for kind in kinds.usable()})
