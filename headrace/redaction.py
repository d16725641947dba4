"""Texts of errors without what looks like a secret."""

import re

_SECRETS = re.compile(
    r"(?i)(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s/@]+@"
    r"|\b(?P<name>bearer|basic|api[-_]?key|token|password|secret|authorization)"
    r"(?P<gap>[\"']?\s*[:= ]\s*[\"']?)[^\s\"',;&]{6,}"
    r"|\b(?:sk|pk|hr_live|hr_test|ghp|xox[a-z]|AIza)[-_A-Za-z0-9]{12,}"
)


def redacted(text: str) -> str:
    """The text with `[secret]` in place of passwords in URLs, and of what follows `token=` or has the form of a key."""
    return _SECRETS.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    if match["scheme"]:
        return f"{match['scheme']}[secret]@"
    return f"{match['name']}{match['gap']}[secret]" if match["name"] else "[secret]"
