"""Words as Markdown that shows them as they are."""

import re

from kinds.shared.printable import printable


def markdown_text(words: str) -> str:
    """On one line, with every sign escaped that would be read as markup."""
    escaped = re.sub(r"([\\`*_\[\]<>&|~$#])", r"\\\1", printable(words))
    return re.sub(r"^([-+=]|\d+(?=[.)]))", lambda mark: _at_start(mark[1]), escaped)


def _at_start(mark: str) -> str:
    """A mark that would begin a list or a rule where it begins a paragraph."""
    return f"{mark}\u200b" if mark.isdecimal() else f"\\{mark}"
