"""Words that a document can hold."""

import unicodedata

_NOWHERE = {"Cc", "Cs", "Co", "Cn"}
"""Controls, halves of characters, private and unassigned signs: XML refuses them, and no font has them."""
_SYMBOLS = {"So", "Sk", "Cf"}
"""Emoji, modifiers and invisible marks: the fonts of our picture books have no shape for them."""


def printable(words: str, *, symbols: bool = True) -> str:
    """The words on one line, without signs that no document has a place for."""
    kept = (sign for sign in words if symbols or unicodedata.category(sign) not in _SYMBOLS)
    return " ".join("".join(" " if unicodedata.category(sign) in _NOWHERE else sign for sign in kept).split())


def reference_words(quotes: list[str]) -> str:
    """The quotes of a reference, one after another."""
    return " \u2026 ".join(f"\u201c{quote}\u201d" for quote in quotes)
