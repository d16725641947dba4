"""The titles that mean something to `bench.headrace.story`."""

CALLS = "calls "
"""Followed by how many calls to make, each a step of 2 to 3 s."""
