"""The words that stories are told with: fills templates, chooses between their variants, gets a and an right."""

import re
from collections.abc import Mapping
from random import Random

#: The comma that closes "Bramble, an old owl," where the sentence brings its own mark.
_DOUBLED = re.compile(r",(?=[,.;:!?])")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def article(words: str) -> str:
    """The words with "a" or "an" before them."""
    start = words.lower()
    vowel = start[:1] in "aeiou" and not start.startswith(("uni", "use", "one", "eu", "ukulele"))
    return f"{'an' if vowel or start.startswith(('hour', 'honest')) else 'a'} {words}"


def filled(template: str, slots: Mapping[str, str], rng: Random) -> str:
    """The template with one of each `[this|that]` and every `{slot}`. What is put in is never read as a template."""
    chosen = _CHOICE.sub(lambda found: rng.choice(found.group(1).split("|")), template)
    text = " ".join(chosen.format_map(slots).split())
    text = _DOUBLED.sub("", text)
    return sentence_case(text)


def sentence_case(text: str) -> str:
    """The text with a capital first."""
    return text[:1].upper() + text[1:]


def pronouns(prefix: str, gender: str) -> dict[str, str]:
    """Slots for someone: {he} {him} {his} and capitals, each behind the prefix ("f" gives {fhe})."""
    forms = {"he": ("he", "him", "his", "himself"), "she": ("she", "her", "her", "herself")}[gender]
    slots = dict(zip(("he", "him", "his", "himself"), forms, strict=True))
    capitals = {name.capitalize(): form.capitalize() for name, form in slots.items()}
    return {_prefixed(prefix, name): form for name, form in (slots | capitals).items()}


def _prefixed(prefix: str, name: str) -> str:
    return f"{prefix}{name}" if name.islower() else f"{prefix.upper()}{name}" if prefix else name
