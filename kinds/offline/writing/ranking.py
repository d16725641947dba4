"""Which sentences of a text matter, and where its subject changes: term weights, TextRank and segments."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Matrix = NDArray[np.float64]

MAX_ROWS = 600
"""That are compared, each with each: time and memory grow with the square."""

_WORD = re.compile(r"[^\W\d_](?:[^\W_]|[-'\u2019](?=[^\W_]))*")
_STOP = frozenset(
    """
    a about above after again against all also although am among an and another any are around as at away back be
    became because become been before behind being below between both but by came can cannot could did do does doing
    done down during each either else even ever every few first for from further gave get gets give given go goes
    got had has have having he her here hers him his how however i if in instead into is it its itself just keep
    kept last least less let like made make makes many may me might more most much must my neither never new next no
    nor not nothing now of off often on once one only or other others our ours out over own per put quite rather
    really said same say says see seen she should since so some something soon still such take taken than that the
    their theirs them then there these they thing things this those though three through thus to together too two
    under until up upon us use used uses using very want was way we well went were what when where whether which
    while who whole whom whose why will with within without would yes yet you your yours don't doesn't isn't it's
    """.split()  # noqa: SIM905  # as words it can be read
)
_DAMPING = 0.85
"""Of TextRank, as of PageRank (Mihalcea and Tarau 2004)."""
_ROUNDS = 40
_NOVELTY = 0.5
"""How much of a sentence may repeat those before it (maximal marginal relevance, Carbonell and Goldstein 1998)."""


def sampled(items: Sequence[T]) -> Sequence[T]:
    """All of them, or MAX_ROWS at most, evenly spread."""
    return items[:: max(1, math.ceil(len(items) / MAX_ROWS))]


def merged(groups: Sequence[Sequence[T]]) -> list[list[T]]:
    """MAX_ROWS groups at most, neighbours made one."""
    size = max(1, math.ceil(len(groups) / MAX_ROWS))
    return [[item for group in groups[at : at + size] for item in group] for at in range(0, len(groups), size)]


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def terms(text: str) -> list[str]:
    """The words that carry a subject, in lower case and without a plural's s."""
    lower = (word.lower().replace("\u2019", "'").removesuffix("'s") for word in words(text))
    return [_singular(word) for word in lower if len(word) > 2 and word not in _STOP]


def vectors(texts: Sequence[str], *, like: Sequence[str] = ()) -> tuple[Matrix, Matrix]:
    """Unit vectors by frequency and rarity of terms: a row for each of `texts`, and of `like` in the same terms."""
    counted = [Counter(terms(text)) for text in texts]
    held = Counter(term for counts in counted for term in counts)
    column = {term: index for index, term in enumerate(sorted(held))}
    weight = {term: math.log(1 + len(texts) / count) for term, count in held.items()}

    def rows(counts: Sequence[Counter[str]]) -> Matrix:
        matrix = np.zeros((len(counts), max(1, len(column))))
        for row, count in enumerate(counts):
            for term, times in count.items():
                if term in column:
                    matrix[row, column[term]] = (1 + math.log(times)) * weight[term]
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        return matrix / np.where(norms == 0, 1, norms)

    return rows(counted), rows([Counter(terms(text)) for text in like])


def rank(rows: Matrix, towards: Matrix) -> Matrix:
    """A score for each row: how many others it speaks for, and how near it is to `towards`. The best has about 1."""
    alike = np.clip(rows @ rows.T, 0, 1)
    np.fill_diagonal(alike, 0)
    sums = alike.sum(axis=1, keepdims=True)
    votes = np.divide(alike, sums, out=np.zeros_like(alike), where=sums > 0)
    scores = np.ones(len(rows))
    for _ in range(_ROUNDS):
        scores = (1 - _DAMPING) + _DAMPING * votes.T @ scores
    near = (rows @ towards.T).max(axis=1) if len(towards) else np.zeros(len(rows))
    return scores / max(scores.max(), 1e-9) + near


def choose(rows: Matrix, scores: Matrix, count: int) -> list[int]:
    """The best rows that do not repeat one another, in their own order."""
    chosen: list[int] = []
    left = set(range(len(rows)))
    while left and len(chosen) < count:
        overlap = (rows @ rows[chosen].T).max(axis=1) if chosen else np.zeros(len(rows))
        best = max(sorted(left), key=lambda row: scores[row] - _NOVELTY * overlap[row] * 2)
        left.discard(best)
        if overlap[best] < 1 - _NOVELTY / 2:
            chosen.append(best)
    return sorted(chosen)


def segments(rows: Matrix, count: int) -> list[range]:
    """The rows in `count` runs, each as much of one subject as can be: the sums of their vectors are longest.

    Fewer runs when there are fewer rows.
    """
    total = len(rows)
    count = min(count, total)
    sums = np.vstack([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    square = sums @ sums.T
    own = np.diag(square)
    # length[i, j] is that of the sum of rows i to j-1.
    length = np.sqrt(np.clip(own[:, None] + own[None, :] - 2 * square, 0, None))
    best = np.where(np.arange(total + 1) > 0, length[0], -np.inf)
    cuts: list[NDArray[np.intp]] = []
    for _ in range(count - 1):
        through = best[:, None] + np.where(np.tri(total + 1, dtype=bool), -np.inf, length)
        cuts.append(through.argmax(axis=0))
        best = through.max(axis=0)
    ends = [total]
    for cut in reversed(cuts):
        ends.append(int(cut[ends[-1]]))
    ends.append(0)
    return [range(start, end) for end, start in zip(ends[-2::-1], ends[:0:-1], strict=True)]


def subjects(text: str, count: int, *, without: str = "") -> list[str]:
    """The terms and pairs of terms that the text speaks of most, as it spells them."""
    known = set(terms(without))
    seen: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for clause in re.split(r"[.,;:!?()\[\]|\"\u201c\u201d\u2026\n]", text):
        found = words(clause)
        keys = [(terms(word) or [""])[0] for word in found]
        for index, key in enumerate(keys):
            pair = f"{key} {keys[index + 1]}" if index + 1 < len(keys) and key and keys[index + 1] else ""
            for name, spelling in ((key, found[index]), (pair, " ".join(found[index : index + 2]))):
                if name and not set(name.split()) <= known:
                    seen[name] += 1
                    spelled.setdefault(name, spelling)
    weighed = sorted(seen, key=lambda name: (-seen[name] * (1.8 if " " in name and seen[name] > 1 else 1), name))
    chosen: list[str] = []
    for name in weighed:
        if not any(set(name.split()) & set(other.split()) for other in chosen):
            chosen.append(name)
    return [_as_said(spelled[name]) for name in chosen[:count]]


def _as_said(words_said: str) -> str:
    """A capital that only begins a sentence goes; a name or an acronym keeps its own."""
    first, _, rest = words_said.partition(" ")
    return words_said if not first.istitle() or rest.istitle() else words_said[0].lower() + words_said[1:]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word
