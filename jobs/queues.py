"""The queues that the kinds of job name, and the priorities within each."""

from jobs import kinds

PRIORITIES = range(10)
"""0 is served first, as everywhere in Celery on Redis; kombu keeps four lanes: 0-2, 3-5, 6-8 and 9."""
DEFAULT_PRIORITY = 3


def queue_names() -> list[str]:
    return sorted({kind.queue for kind in kinds.known()})
