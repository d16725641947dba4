"""How urgent a job is."""

PRIORITIES = range(10)
"""0 is served first, as everywhere in Celery on Redis; kombu keeps four lanes: 0-2, 3-5, 6-8 and 9."""
DEFAULT_PRIORITY = 3
