"""What an arc is made of: beats, each a page with its words and its picture."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Beat:
    """One page. The four beats of rank 0 are in every book; the others come in by rank as a book grows longer.

    `text` is a template, `where` is home, path, wild, far or inside, `who` the roles and things in the picture.
    """

    rank: int
    where: str
    time: str
    who: str
    text: str
    weather: str = "clear"


@dataclass(frozen=True)
class Arc:
    """A kind of story. `words` in a prompt ask for it."""

    name: str
    words: tuple[str, ...]
    beats: tuple[Beat, ...]
