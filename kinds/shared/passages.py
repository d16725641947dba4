"""A source text in numbered passages, and a passage in sentences."""

import re
import unicodedata
from collections.abc import Iterator

from pydantic import BaseModel

LONGEST = 900
"""Characters of a passage; a longer paragraph becomes several, cut between sentences."""


class Passage(BaseModel):
    """A paragraph, a list item or a table row. `under` is the heading that it stands under."""

    number: int
    under: str | None
    text: str


def passages(source: str) -> list[Passage]:
    """The source in reading order, whitespace collapsed and Markdown's marks taken off; headings are no passages."""
    found: list[Passage] = []
    under: str | None = None
    for block in _blocks(source):
        heading = _HEADING.fullmatch(block)
        if heading:
            under = _NUMBER.sub("", _plain(heading[1].rstrip(" #")))[:120] or None
            continue
        found += [Passage(number=0, under=under, text=piece) for piece in _pieces(_plain(block)) if piece]
    return [passage.model_copy(update={"number": number}) for number, passage in enumerate(found, 1)]


def sentences(text: str) -> list[str]:
    """Cut after full stops, but not after abbreviations, initials and numbers. Joined by spaces they are the text."""
    cut: list[str] = []
    start = 0
    for end in _END.finditer(text):
        stop = end.start(1) + 1
        if not _ABBREVIATED.search(text, max(start, stop - _LONGEST_ABBREVIATION), stop):
            cut.append(text[start : end.end(1)].strip())
            start = end.end()
    cut.append(text[start:].strip())
    return [sentence for sentence in cut if sentence]


# A source may be hostile, and `re` stops the whole process: each of these takes time in proportion to the text. No two
# starts read the same signs, and possessive quantifiers (`++`) give nothing back.
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*)")
_NUMBER = re.compile(r"^(?:[A-Z]|\d{1,3}(?:\.\d{1,3})*)[.)]\s+")
"""What a heading is counted by; ours are counted anew."""
_ITEM = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,3}[.)])\s+")
_ROW = re.compile(r"\s*\|.*\|\s*")
_RULE = re.compile(r"[\s|:=*_~`+-]*")
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")
_QUOTED = re.compile(r"^\s*>+\s?")
_LINK = re.compile(r"!?\[([^\[\]]*+)\]\([^()\s]*+(?:\s\"[^\"]*+\")?\)")
# Not one expression for any marker: Pythons before 3.11.5 get a possessive group of alternatives wrong.
_EMPHASIS = re.compile(
    r"\*\*(?=\S)(?P<bold>[^*]++)(?<=\S)\*\*|__(?=\S)(?P<strong>[^_]++)(?<=\S)__|``?(?=\S)(?P<code>[^`]++)(?<=\S)``?"
)
_END = re.compile(
    r"(?<![.!?\u2026\u3002\uff01\uff1f])([.!?\u2026\u3002\uff01\uff1f]++[\"'\u201d\u2019)\]]*+)"
    r"(?:\s++(?=[\"'\u201c\u2018(\[]*+[^\W_a-z]))"
)
_ABBREVIATED = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nos|Fig|Figs|Eq|Sec|vs|etc|al|cf|ca|approx|resp|e\.g|i\.e|Inc|Ltd|Co|Jr|Sr)"
    r"|(?:^|[\s(])[A-Z\u00c0-\u00de])\.\Z"
)
_LONGEST_ABBREVIATION = len(" approx.")


def _blocks(source: str) -> Iterator[str]:
    """Paragraphs, headings, list items and table rows, each with its lines joined. Code is not to be read aloud."""
    block: list[str] = []
    for raw in [*_without_code("".join(map(_printable, source)).splitlines()), ""]:
        line = _QUOTED.sub("", raw)
        alone = _HEADING.fullmatch(line) or _ROW.fullmatch(line)
        if alone or _RULE.fullmatch(line) or _ITEM.match(line):
            yield from _joined(block)
            block = []
        if not _RULE.fullmatch(line):
            block.append(_ITEM.sub("", line, count=1))
        if alone:
            yield from _joined(block)
            block = []


def _without_code(lines: list[str]) -> Iterator[str]:
    """An empty line for each fenced block. A fence that nothing closes is text."""
    fences = [_FENCE.fullmatch(line) for line in lines]
    last = {fence[1]: at for at, fence in enumerate(fences) if fence and not fence[2].strip()}
    within = None
    for at, (line, fence) in enumerate(zip(lines, fences, strict=True)):
        if within:
            if fence and fence[1] == within and not fence[2].strip():
                within = None
        elif fence and last.get(fence[1], -1) > at:
            within = fence[1]
            yield ""
        else:
            yield line


def _joined(block: list[str]) -> Iterator[str]:
    if block:
        yield " ".join(" ".join(block).split())


def _printable(sign: str) -> str:
    """Controls and halves of characters, for which no document has a place, become spaces."""
    return sign if sign in "\n\t" or unicodedata.category(sign) not in {"Cc", "Cs", "Cn", "Co"} else " "


def _plain(block: str) -> str:
    return _EMPHASIS.sub(lambda found: found[found.lastgroup or 0], _LINK.sub(r"\1", block)).strip()


def _pieces(block: str) -> Iterator[str]:
    """Sentences together up to the longest passage; a longer sentence is cut between words, a longer word anywhere."""
    piece = ""
    for sentence in sentences(block):
        for part in _parts(sentence):
            if piece and len(piece) + 1 + len(part) > LONGEST:
                yield piece
                piece = ""
            piece = f"{piece} {part}".strip()
    yield piece


def _parts(sentence: str) -> Iterator[str]:
    rest = sentence
    while len(rest) > LONGEST:
        at = rest.rfind(" ", 1, LONGEST)
        at = LONGEST if at < 0 else at
        yield rest[:at].strip()
        rest = rest[at:].strip()
    yield rest
