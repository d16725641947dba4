"""Chance that repeats: the same words give the same dice on every machine and in every process."""

import hashlib
from random import Random


def dice(*words: object) -> Random:
    """A random generator seeded by the words alone (`hash()` differs from process to process)."""
    digest = hashlib.sha256("\x1f".join(map(str, words)).encode("utf-8", "replace")).digest()
    return Random(int.from_bytes(digest[:8], "big"))
