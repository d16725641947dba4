"""The offline composer: a small story from a title and a prompt. The same request gives the same story."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from kinds.offline.drawing.naming import singular
from kinds.offline.seeding import dice
from kinds.offline.writing import vocabulary
from kinds.offline.writing.arc import Arc, Beat
from kinds.offline.writing.arcs_inward import CONTEST, SKILL
from kinds.offline.writing.arcs_outward import JOURNEY, STORM
from kinds.offline.writing.brief import ARCS, Brief, read_brief
from kinds.offline.writing.places import PLACES, Place
from kinds.offline.writing.wording import article, filled, pronouns
from kinds.story import Scene, StoryOutline, StoryPage

#: With so many in a picture, the landmark is left out.
_CROWD = 4
_WEATHERLESS = ("underwater", "space")


@dataclass(frozen=True)
class Someone:
    """One of the cast, in words and as drawn on every page."""

    name: str
    kind: str
    words: str
    drawn: str
    gender: str


@dataclass(frozen=True)
class Cast:
    hero: Someone
    friend: Someone
    rival: Someone
    extra: Someone
    thing: str
    place: Place


def write_story(facts: Mapping[str, Any], seed: int) -> StoryOutline:
    """The offline answer of a story's outline."""
    return compose(str(facts["title"]), str(facts["prompt"]), pages=int(facts["pages"]), seed=seed)


def compose(title: str, prompt: str, *, pages: int, seed: int) -> StoryOutline:
    """A story of exactly `pages` pages (4 to 12)."""
    brief, rng = read_brief(title, prompt), dice("story", seed, title, prompt)
    place = brief.place or rng.choice([place for name, place in PLACES.items() if name not in _WEATHERLESS])
    arc = _arc(brief, place, rng)
    cast = _cast(brief, place, rng, contest=arc is CONTEST)
    telling = _Telling(cast, brief, rng)
    chosen = sorted(sorted(range(len(arc.beats)), key=lambda index: arc.beats[index].rank)[:pages])
    written = [telling.page(arc.beats[index]) for index in chosen]
    return StoryOutline(title=title, hero=cast.hero.drawn, style="flat shapes in warm colours", pages=written)


def _arc(brief: Brief, place: Place, rng: Random) -> Arc:
    """The arc that the most words ask for; one by chance when none does."""
    dry = any(place is PLACES[name] for name in _WEATHERLESS)
    arcs = [arc for arc in ARCS if not (dry and arc is STORM)]
    if brief.skill:
        return SKILL
    scores = {arc.name: sum(word in arc.words for word in brief.words) for arc in arcs}
    if brief.wish and brief.wish.startswith(_FAR_WISHES):
        scores[JOURNEY.name] += 1
    best = max(scores.values())
    return rng.choice([arc for arc in arcs if scores[arc.name] == best])


_FAR_WISHES = ("see", "visit", "reach", "travel", "go ", "explore", "touch", "get to", "find")


def _cast(brief: Brief, place: Place, rng: Random, *, contest: bool) -> Cast:
    """Everybody in the story. Whoever the prompt names beside the hero is the friend, or in a contest the rival."""
    hero = _hero(brief, rng)
    kinds = [kind for kind in place.helpers if kind != hero.kind]
    friend_kind = brief.companion if brief.companion and not contest else rng.choice(kinds)
    extra_kind = rng.choice([kind for kind in kinds if kind != friend_kind] or kinds)
    rivals = [kind for kind in vocabulary.RIVAL_KINDS if kind not in {hero.kind, friend_kind, extra_kind}]
    rival_kind = brief.companion if brief.companion and contest else rng.choice(rivals)
    thing = brief.keepsake or rng.choice(vocabulary.TREASURES)
    return Cast(
        hero=hero,
        friend=_other(friend_kind, rng, avoid=hero.name),
        rival=_rival(rival_kind, rng),
        extra=Someone("", extra_kind, f"small {extra_kind}", f"small {extra_kind}", "he"),
        thing=thing,
        place=place,
    )


def _hero(brief: Brief, rng: Random) -> Someone:
    gender = brief.gender or rng.choice(("he", "she"))
    kind = brief.kind or (("girl" if gender == "she" else "boy") if brief.name else rng.choice(vocabulary.HEROES))
    entry = singular(kind) or kind
    gender = "she" if entry in vocabulary.WOMEN else "he" if entry in vocabulary.MEN else gender
    name = brief.name or rng.choice(vocabulary.SHE if gender == "she" else vocabulary.HE)
    trait = brief.trait or rng.choice(vocabulary.HERO_TRAITS)
    words = " ".join(filter(None, (trait, _hue(brief, entry), kind)))
    return Someone(name, kind, words, _drawn(name, kind, entry, brief.colour, rng), gender)


def _hue(brief: Brief, entry: str) -> str | None:
    """The colour that the prompt gives a creature; people wear theirs and it goes without saying."""
    return brief.colour if entry not in vocabulary.CLOTHED else None


def _drawn(name: str, kind: str, entry: str, colour: str | None, rng: Random) -> str:
    """The words for every picture of someone: the same each time, so that the same is drawn."""
    if entry in vocabulary.CLOTHED:
        return (
            f"{name}, {article(kind)} in {colour or rng.choice(('red', 'blue', 'teal', 'yellow', 'purple', 'green'))}"
        )
    choices = vocabulary.COLOURED.get(entry)
    hue = colour or (rng.choice(choices) if choices else None)
    return f"{name}, {article(f'{hue} {kind}' if hue else kind)}"


def _other(kind: str, rng: Random, *, avoid: str) -> Someone:
    entry = singular(kind) or kind
    gender = "she" if entry in vocabulary.WOMEN else "he" if entry in vocabulary.MEN else rng.choice(("he", "she"))
    names = vocabulary.FRIEND_SHE if gender == "she" else vocabulary.FRIEND_HE
    name = rng.choice([each for each in names if each != avoid])
    return Someone(
        name, kind, f"{rng.choice(vocabulary.FRIEND_TRAITS)} {kind}", _drawn(name, kind, entry, None, rng), gender
    )


def _rival(kind: str, rng: Random) -> Someone:
    name = rng.choice(vocabulary.RIVALS)
    return Someone(name, kind, f"long-legged {kind}", f"{name}, {article(kind)}", "he")


class _Telling:
    """A story while it is told: who has been introduced, and which sentences have been used."""

    def __init__(self, cast: Cast, brief: Brief, rng: Random) -> None:
        self._cast, self._brief, self._rng = cast, brief, rng
        self._details = rng.sample(cast.place.details, len(cast.place.details))
        self._met: set[str] = set()
        self._echoed = False
        self._slots = self._constant_slots()

    def page(self, beat: Beat) -> StoryPage:
        slots = self._slots | self._fresh_slots(beat)
        text = filled(beat.text, slots, self._rng)
        return StoryPage(text=text, scene=self._scene(beat), picture=self._picture(beat))

    def _constant_slots(self) -> dict[str, str]:
        cast, place = self._cast, self._cast.place
        fear, skill = self._fear(), self._brief.skill or self._rng.choice(list(vocabulary.SKILLS))
        return {
            **pronouns("", cast.hero.gender),
            **pronouns("f", cast.friend.gender),
            "Hero": cast.hero.name, "kind": cast.hero.kind, "a_kind": article(cast.hero.words),
            "friend": cast.friend.name, "rival": cast.rival.name,
            "extra": f"the {cast.extra.kind}", "Extra": f"The {cast.extra.kind}",
            "an_extra": article(cast.extra.words), "An_extra": article(cast.extra.words).capitalize(),
            "thing": cast.thing, "a_thing": article(cast.thing),
            "where": place.where, "place": place.the, "home": place.home,
            "path": place.path, "wild": place.wild, "far": place.far,
            "fear": fear.name, "fear_feels": fear.feels, "fear_there": fear.there, "fear_after": fear.after,
            "skill": skill, "skill_joy": vocabulary.SKILLS[skill],
            "wish": self._wish(),
            "mood": self._mood(), "end": self._end(),
        }  # fmt: skip

    def _fresh_slots(self, beat: Beat) -> dict[str, str]:
        """The slots that are filled differently each time they come up."""
        fresh: dict[str, str] = {"see": "", "echo": ""}
        template, fair = beat.text, beat.time in {"day", "dusk"} and beat.weather in {"clear", "cloudy"}
        for role, someone in (("friend", self._cast.friend), ("rival", self._cast.rival)):
            if f"{{{role}_new}}" in template:
                fresh[f"{role}_new"] = (
                    someone.name if role in self._met else f"{someone.name}, {article(someone.words)},"
                )
                self._met.add(role)
        if "{see}" in template and fair and self._details:
            fresh["see"] = self._details.pop()
        if "{echo}" in template and self._brief.echo and not self._echoed:
            self._echoed = True
            echo = self._brief.echo
            fresh["echo"] = filled(
                self._rng.choice(vocabulary.ECHOES), self._slots | {"echo": echo, "Echo": echo.capitalize()}, self._rng
            )
        return fresh

    def _wish(self) -> str:
        place, wish = self._cast.place, self._brief.wish
        return f"to {wish}" if wish else f"to see what lay beyond {place.wild}, at {place.far}"

    def _fear(self) -> vocabulary.Fear:
        named = [fear for fear in vocabulary.FEARS if any(word in fear.words for word in self._brief.words)]
        return named[0] if named else self._rng.choice(vocabulary.FEARS)

    def _mood(self) -> str:
        if self._brief.mood:
            return f"It was {article(self._brief.mood)} sort of day, right from the start."
        return self._rng.choice(vocabulary.OPENINGS)

    def _end(self) -> str:
        title = self._brief.title
        if not title:
            return self._rng.choice(vocabulary.ENDINGS)
        closing = "" if title.endswith(("!", "?")) else "."
        return self._rng.choice((
            f"Somebody wrote it all down later on, and on the first page it says: “{title}{closing}”",
            f"It has been told so often since then that it has a name of its own: “{title}{closing}”",
        ))  # fmt: skip

    def _scene(self, beat: Beat) -> Scene:
        place = self._cast.place
        settings: dict[str, str] = dict(zip(("home", "path", "wild", "far"), place.settings, strict=True))
        inside = place.settings[0] if place is PLACES["underwater"] else "hall" if place is PLACES["castle"] else "room"
        setting = inside if beat.where == "inside" else settings[beat.where]
        weather = "clear" if setting in {"underwater", "moon", "space"} else beat.weather
        if setting == "snow" and weather in {"rain", "storm"}:
            weather = "snow"
        return Scene(setting=setting, time_of_day=beat.time, weather=weather, subjects=self._subjects(beat))

    def _subjects(self, beat: Beat) -> list[str]:
        cast = self._cast
        roles = {"hero": cast.hero.drawn, "friend": cast.friend.drawn, "rival": cast.rival.drawn,
                 "extra": cast.extra.drawn,
                 "thing": cast.thing, "house": cast.place.house, "dragon": "small green dragon"}  # fmt: skip
        subjects = [roles.get(role, role) for role in beat.who.split()]
        if beat.where == "home" and len(subjects) == 1:
            subjects.append(cast.place.house)
        if beat.where == "far" and cast.place.landmark and len(subjects) < _CROWD:
            subjects.append(cast.place.landmark)
        return subjects

    def _picture(self, beat: Beat) -> str:
        scene = self._scene(beat)
        shown = [re.sub(r"^(?:[^,]+)$", lambda word: article(word.group()), subject) for subject in scene.subjects]
        who = shown[0] if len(shown) == 1 else f"{'; '.join(shown[:-1])}; and {shown[-1]}"
        weather = "" if scene.weather == "clear" else f", {scene.weather} weather"
        return f"{who}, {self._cast.place.where}, at {scene.time_of_day}{weather}, in a warm flat picture-book style."
