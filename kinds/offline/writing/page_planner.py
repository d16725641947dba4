"""Plans a coloring page from a prompt: what of it the illustrator can draw, where, and a title. Nothing is an error."""

import re
from collections.abc import Mapping
from typing import Any

from kinds.coloring_page import ColoringPageOutline
from kinds.offline.drawing.illustrator import SETTINGS, setting_of
from kinds.offline.drawing.naming import read, singular
from kinds.offline.drawing.sky import time_of, weather_of
from kinds.offline.seeding import dice
from kinds.offline.writing.brief import fit, read_brief
from kinds.offline.writing.places import PLACES
from kinds.story import Scene

_MOST = {"simple": 2, "normal": 4, "fine": 6}
"""Subjects by detail."""
_LONGEST_TITLE = 60


def write_page(facts: Mapping[str, Any], seed: int) -> ColoringPageOutline:
    """The offline answer of a coloring page's outline."""
    return plan_page(str(facts["prompt"]), detail=str(facts["detail"]), seed=seed)


def plan_page(prompt: str, *, detail: str, seed: int) -> ColoringPageOutline:
    brief, rng = read_brief("", prompt), dice("coloring page", seed, prompt)
    place = brief.place or PLACES["meadow"]
    subjects = _subjects(prompt, brief.kind) or list(rng.sample(place.helpers, 2))
    found = setting_of(prompt)
    setting = next(name for name, known in SETTINGS.items() if known is found)
    if found is setting_of("") and brief.place:
        setting = brief.place.settings[1]
    return ColoringPageOutline(
        title=_title(prompt),
        picture=prompt,
        scene=Scene(
            setting=setting,
            time_of_day=time_of(prompt),
            weather=weather_of(prompt),
            subjects=[subject for subject in subjects if subject.split()[-1] != setting][: _MOST[detail]],
        ),
    )


def _subjects(prompt: str, kind: str | None) -> list[str]:
    """Everything in the prompt that can be drawn, each with the words before it that say how many and in what colour.

    A hero that cannot be drawn comes first: the illustrator has a stand-in, and says so.
    """
    found: list[str] = []
    named: set[str] = set()
    before: list[str] = []
    for word in re.findall(r"[^\W\d_]+", prompt.lower()):
        entry = singular(word)
        if entry is None:
            before = [*before, word][-2:]
            continue
        if entry not in named:
            named.add(entry)
            found.append(" ".join([*before, word]) if read(" ".join([*before, word])).entry == entry else word)
        before = []
    return found if kind is None or singular(kind) else [kind, *found]


def _title(prompt: str) -> str:
    """The prompt's first words, as many as fit on the foot of a sheet."""
    words = re.split(r"[.!?\n]", prompt.strip())[0].split()
    while len(" ".join(words)) > _LONGEST_TITLE:
        words.pop()
    title = " ".join(words)
    return title[:1].upper() + title[1:] if title and fit(title) else "A page to colour in"
