"""What a script is sent with: of the declarations that stand before all scripts, those that it needs.

Redis runs the whole text for each call. A function that is only declared costs as much as a small command, the more the
more local variables there are: so constants are written where they are used, and what nobody names is left out.
"""

import re
from collections.abc import Mapping

_DECLARATION = re.compile(r"^local (?:function )?(\w+(?:, \w+)*)", re.MULTILINE)
_COMMENT_OR_TEXT = re.compile(r"--.*|'[^'\n]*'")
_WORD = re.compile(r"[A-Za-z_]\w*")


def needed_by(script: str, declarations: str) -> str:
    """`declarations`, each from a `local` at the start of a line to the next, without those that nobody names.

    To be named anywhere but in a comment or a text is enough, if only as the field of a table: then one too many is
    left in.
    """
    starts = [found.start() for found in _DECLARATION.finditer(declarations)]
    named, kept = _words(script), list[str]()
    # From the last to the first, for each can only use those before it.
    for start, end in reversed([*zip(starts, [*starts[1:], len(declarations)], strict=True)]):
        declaration = declarations[start:end]
        found = _DECLARATION.match(declaration)
        if found and named.intersection(found[1].split(", ")):
            named |= _words(declaration)
            kept.append(declaration)
    return "".join(reversed(kept))


def written_out(code: str, constants: Mapping[str, str]) -> str:
    """The code with literals in place of the constants' names, and without its comments."""
    names = re.compile(rf"{_COMMENT_OR_TEXT.pattern}|\b({'|'.join(constants)})\b")

    def literal(found: re.Match[str]) -> str:
        if found[1]:
            return constants[found[1]]
        return "" if found[0].startswith("--") else found[0]

    return names.sub(literal, code)


def _words(code: str) -> set[str]:
    return set(_WORD.findall(_COMMENT_OR_TEXT.sub("", code)))
