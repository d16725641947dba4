"""Words that a document can hold."""

import unicodedata

_NOWHERE = {"Cc", "Cs", "Co", "Cn"}
"""Controls, halves of characters, private and unassigned signs: XML refuses them, and no font has them."""


def printable(words: str) -> str:
    """The words on one line, without signs that no document has a place for."""
    return " ".join("".join(" " if unicodedata.category(sign) in _NOWHERE else sign for sign in words).split())


def reference_words(quotes: list[str]) -> str:
    """The quotes of a reference, one after another."""
    return " \u2026 ".join(f"\u201c{quote}\u201d" for quote in quotes)
