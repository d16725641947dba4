"""What `headrace doctor` has found."""

from jobs.model import Frozen


class Finding(Frozen):
    """Something to know. `wrong` is what has to be mended."""

    wrong: bool
    what: str
    remedy: str


def wrong(what: str, remedy: str) -> Finding:
    return Finding(wrong=True, what=what, remedy=remedy)
