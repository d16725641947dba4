"""Reads a title and a prompt for what a story can be made of. What it cannot use it leaves out; nothing is an error."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from kinds.offline.drawing.catalogue import ENTRIES, Home
from kinds.offline.drawing.naming import WORDS, singular
from kinds.offline.drawing.palette import NAMED
from kinds.offline.drawing.people import PEOPLE
from kinds.offline.writing.arcs_inward import CONTEST, FEAR, FRIEND, SECRET, SKILL
from kinds.offline.writing.arcs_outward import JOURNEY, LOST, STAR, STORM
from kinds.offline.writing.places import PLACES, Place
from kinds.offline.writing.vocabulary import (
    COMMON,
    HERO_TRAITS,
    KNOWN_HE,
    KNOWN_SHE,
    MEN,
    MOODS,
    SKILLS,
    UNFIT,
    WOMEN,
)

_THINGS = {"tree", "pine", "palm", "cactus", "flower", "mushroom", "pumpkin", "house", "castle", "tower",
    "lighthouse", "barn", "windmill",
           "tent", "igloo", "bridge", "shop", "boat", "train", "car", "bus", "rocket", "aeroplane", "hot-air balloon",
           "balloon", "kite",
           "lantern", "treasure chest", "book", "letter", "map", "key", "crown", "bell", "ball", "parcel", "cake",
           "apple", "cup", "umbrella",
           "campfire", "egg", "drum", "guitar", "signpost", "shell", "star", "moon", "sun", "cloud", "rainbow",
           "beast"}  # fmt: skip
CHARACTERS = {name for name in ENTRIES if name not in _THINGS}
KEEPSAKES = {
    "balloon",
    "kite",
    "lantern",
    "book",
    "letter",
    "map",
    "key",
    "crown",
    "bell",
    "ball",
    "cup",
    "umbrella",
    "drum",
    "guitar",
    "shell",
}
_ADJECTIVES = {"shy", "brave", "clever", "grumpy", "kind", "lazy", "clumsy", "lonely", "happy", "sad", "tiny",
    "young", "old", "gentle",
               "sleepy", "hungry", "lost", "proud", "noisy", "funny", "silly", "wise", "magical", "fluffy",
               "forgetful", "timid", "bold",
               "naughty", "messy", "playful", "friendly", "polite", "nervous", "rusty", "little", "big", "giant",
               "mighty", "fearless",
               *HERO_TRAITS}  # fmt: skip
ARCS = (LOST, JOURNEY, STORM, STAR, FRIEND, FEAR, SKILL, SECRET, CONTEST)
#: Words that have chosen the arc have had their say.
_ASKED = {word for arc in ARCS for word in arc.words}
_NO_HERO = COMMON | {"way", "lot", "bit", "place", "land", "home", "house", "quest", "mission", "journey", "poem",
    "song", "funny",
                     "boat", "bedtime", "fairy tale", "series", "topic", "history", "war", "list"}  # fmt: skip
#: The fonts of the books reach this far.
_LAST_LATIN = "\u024f"
_NAME = r"([A-Z][^\W\d_]{1,13})"
_NAMED_PATTERNS = (
    rf"\b(?:named|called|name is|name's)\s+{_NAME}",
    rf"\b{_NAME}\s+the\s+[a-z]",
    rf"\b{_NAME},\s+(?:a|an|the|my|our)\s+[a-z]",
    rf"\babout\s+{_NAME}\b",
    rf"^{_NAME}\s+(?:is|was|and|has|had|wants|loves|goes|finds|lives|learns|meets|flies|dreams|gets|must|can|helps|loses|discovers|travels|visits)\b",
)
_STRONG = re.compile(
    r"\b(?:an?|the|my|our|about)\s+(?:[a-z][a-z-]*\s+){0,2}?([a-z][a-z-]{2,13})\s+(?:who|named|called|that\s+(?:is|was|wants|dreams|loves|can))\b"
)
_ABOUT = re.compile(r"\babout\s+(?:an?|my)\s+(?:[a-z][a-z-]*\s+){0,2}?([a-z][a-z-]{2,13})\b")
_WISH = re.compile(
    r"\b(?:wants?|dreams?|longs?|hopes?|wishes|tries|decides|sets out|has|must)\s+to\s+((?:[a-z][a-z'-]*\s*){1,7})"
)


@dataclass(frozen=True)
class Brief:
    """What the prompt asks for; None or empty where it does not say."""

    words: tuple[str, ...]
    kind: str | None
    entry: str | None
    name: str | None
    trait: str | None
    colour: str | None
    gender: str | None
    companion: str | None
    place: Place | None
    keepsake: str | None
    skill: str | None
    wish: str | None
    mood: str | None
    echo: str | None
    title: str | None


def read_brief(title: str, prompt: str) -> Brief:
    both = f"{prompt}\n{title}"
    lower = both.lower()
    words = (*re.findall(r"[^\W\d_]+", lower), *_emoji_words(both))
    kind = _leading_kind(prompt.lower()) or _first_character(words)
    name = _name(prompt, title, cast=kind is not None)
    if name and kind and not _belongs(kind, name, both):
        kind = None
    entry = singular(kind) if kind else None
    companion = next(
        (
            found
            for word in words
            if (found := singular(word)) in CHARACTERS and found != entry and word != (name or "").lower()
        ),
        None,
    )
    return Brief(
        words=words,
        kind=kind,
        entry=entry,
        name=name,
        trait=_before(lower, kind, _ADJECTIVES),
        colour=_before(lower, kind, NAMED),
        gender=_gender(words, entry, name),
        companion=companion,
        place=_place(lower, words, entry),
        keepsake=_keepsake(lower, words),
        skill=_skill(lower),
        wish=_wish(prompt.lower()),
        mood=next((MOODS[word] for word in words if word in MOODS), None),
        echo=_echo(prompt, {name or "", kind or ""}),
        title=_plain_title(title),
    )


def fit(words: str) -> bool:
    """Whether words of a prompt may stand in a children's book."""
    return not any(stem in words.lower() for stem in UNFIT)


def _emoji_words(text: str) -> list[str]:
    """What the pictures among the letters are called: a fox face is a fox."""
    signs = [sign for sign in text if unicodedata.category(sign) == "So"]
    return [word for sign in signs for word in unicodedata.name(sign, "").lower().split()]


def _leading_kind(prompt: str) -> str | None:
    """The hero's kind, in the prompt's own word, where it leads a clause: "a shy dragon who", "about a kettle"."""
    for found in (*_STRONG.finditer(prompt), *_ABOUT.finditer(prompt)):
        word = found.group(1)
        if word not in _NO_HERO and word not in _ADJECTIVES and word not in NAMED and fit(word) and not _is_place(word):
            return _one(word)
    return None


def _first_character(words: tuple[str, ...]) -> str | None:
    return next((_one(word) for word in words if singular(word) in CHARACTERS), None)


def _belongs(kind: str, name: str, text: str) -> bool:
    """Whether the prompt gives that kind this name ("my cat Whiskers", "Tim the knight") and not somebody else."""
    lower, near = text.lower(), r"(?:[\s,]+[^\W\d_]+){0,3}?[\s,]+"
    who, what = re.escape(name.lower()), re.escape(kind)
    pattern = (
        rf"\b{what}(?: who is| is| that is)?(?: named| called|'s name is)? {who}\b"
        rf"|\b{who}(?:,| the| is| was){near}{what}\b"
    )
    return bool(re.search(pattern, lower)) or who not in lower.rpartition("\n")[0]


def _one(word: str) -> str:
    """The singular of a known word; the word itself when it is singular or unknown."""
    known = singular(word)
    return known if known and word not in WORDS else word


def _is_place(word: str) -> bool:
    return any(word in place.words for place in PLACES.values()) and singular(word) is None


def _name(prompt: str, title: str, *, cast: bool) -> str | None:
    """The hero's name. A title of one word is a name if the prompt says whose (`cast`)."""
    patterns = [re.compile(pattern) for pattern in _NAMED_PATTERNS]
    found = [match.group(1) for pattern in patterns for match in pattern.finditer(prompt)]
    found += [
        match.group(2)
        for match in re.finditer(rf"\b([a-z]+)\s+{_NAME}\b", prompt)
        if singular(match.group(1)) in CHARACTERS
    ]
    found += [match.group(1) for pattern in patterns[:2] for match in pattern.finditer(title)]
    found += [match.group(1) for match in re.finditer(rf"\b{_NAME}(?:'s|\u2019s| and the) ", title)]
    found += re.findall(rf"^{_NAME}$", title.strip()) if cast else []
    return next((name for name in found if _is_name(name)), None)


def _is_name(word: str) -> bool:
    lower = word.lower()
    strange = any(letter > _LAST_LATIN for letter in word)
    known = (
        lower in COMMON
        or singular(lower)
        or lower in MOODS
        or lower in {"the", "a", "an", "my", "our", "write", "once", "create", "make"}
    )
    return not strange and not known and fit(word)


def _before(lower: str, noun: str | None, known: Collection[str]) -> str | None:
    """The known word that stands right before the noun, or one or two words before it."""
    before = re.search(rf"((?:[a-z-]+\s+){{1,3}}){re.escape(noun)}\b", lower) if noun else None
    return next((word for word in reversed(before.group(1).split()) if word in known), None) if before else None


def _keepsake(lower: str, words: tuple[str, ...]) -> str | None:
    """A thing to treasure, with its colour: "red balloon", "old map"."""
    thing = next((word for word in words if singular(word) in KEEPSAKES and word in WORDS), None)
    return f"{_before(lower, thing, NAMED) or 'old'} {thing}" if thing else None


def _gender(words: tuple[str, ...], entry: str | None, name: str | None) -> str | None:
    known = (name or "").lower()
    she = entry in WOMEN or known in KNOWN_SHE or "she" in words or "her" in words
    he = entry in MEN or known in KNOWN_HE or "he" in words or "his" in words or "him" in words
    if entry in WOMEN or (she and not he):
        return "she"
    if he and not she:
        return "he"
    return "she" if known.endswith("a") else None


def _place(lower: str, words: tuple[str, ...], entry: str | None) -> Place | None:
    """The place named first; what only a thing or the hero's kind suggests comes after."""
    if re.search(r"\bunder the (?:sea|water|ocean|waves)|\bbottom of the (?:sea|ocean)", lower):
        return PLACES["underwater"]
    kinds = CHARACTERS | set(PEOPLE)
    named = [
        (word, place)
        for word in words
        for place in PLACES.values()
        if word in place.words and singular(word) not in kinds
    ]
    plain = [
        place for word, place in named if singular(word) is None or word in {"castle", "moon", "home", "lighthouse"}
    ]
    if named:
        return plain[0] if plain else named[0][1]
    if entry and ENTRIES[entry].home is Home.WATER:
        return PLACES["underwater" if entry in CHARACTERS else "beach"]
    return next((place for place in PLACES.values() if entry and entry in place.words), None)


def _skill(lower: str) -> str | None:
    wanted = re.search(r"\b(?:learn\w*|want\w*|dream\w*|teach\w*|try|tries|how)\b(.*)", lower)
    rest = wanted.group(1) if wanted else ""
    return next(
        (skill for skill in SKILLS if re.search(rf"\b{skill.removesuffix('e')}(?:e|s|es|ing|ming|ting)?\b", rest)),
        None,
    )


def _wish(prompt: str) -> str | None:
    """What the hero wants, in the prompt's own words, cut at the end of the clause."""
    found = _WISH.search(prompt)
    if not found:
        return None
    clause = re.split(r"\b(?:and|but|because|so|when|while|who|that|then)\b", found.group(1))[0].strip()
    dangling = {"the", "a", "an", "of", "to", "in", "on", "with", "for", "from", "his", "her", "their", "at", "by"}
    return clause if clause and clause.split()[-1] not in dangling and fit(clause) else None


def _echo(prompt: str, taken: set[str]) -> str | None:
    """A word of the prompt that nothing else in the story will have used."""
    candidates = re.findall(r"(?<![\w<>&/#*{}$\\])[^\W\d_]{5,14}(?![\w<>&/#*{}$\\(])", prompt)
    for word in candidates if fit(prompt) else ():
        lower = word.lower()
        latin = all(letter <= _LAST_LATIN for letter in word)
        used = (
            lower in COMMON
            or lower in MOODS
            or lower in _ADJECTIVES
            or lower in NAMED
            or lower in SKILLS
            or singular(lower)
            or lower in _ASKED
        )
        verb = lower.endswith(("es", "ed", "ing", "ly"))
        if (
            latin
            and not verb
            and not used
            and not _is_place(lower)
            and word not in taken
            and lower not in taken
            and fit(lower)
        ):
            return lower
    return None


def _plain_title(title: str) -> str | None:
    """The title, if it can be spoken of inside the story: letters of few words, nothing strange."""
    text = " ".join(title.split())
    return text if re.fullmatch(r"[A-Za-z\u00c0-\u024f' \u2019,!?-]{3,50}", text) and fit(text) else None
