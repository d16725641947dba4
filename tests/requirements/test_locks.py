"""requirements/: each lock has all that its packages need, as nothing else is installed with it."""

import re
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = sorted((Path(__file__).parents[2] / "requirements").glob("*.txt"))

PROGRAMS = "redis-servers"
"""Of its packages only the programs are run: what their Python modules need is left out."""


def _locked(lock: Path) -> Iterator[Requirement]:
    """What the lock installs on this machine."""
    for line in re.findall(r"^[a-z].*", lock.read_text(), re.MULTILINE):
        requirement = Requirement(line.removesuffix("\\"))
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def _needed(requirement: Requirement) -> Iterator[Requirement]:
    """What the package needs here, by the metadata of the one that is installed."""
    for text in requires(requirement.name) or []:
        needed = Requirement(text)
        if needed.marker is None or any(
            needed.marker.evaluate({"extra": extra}) for extra in ["", *requirement.extras]
        ):
            yield needed


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock.stem != PROGRAMS], ids=lambda lock: lock.stem)
def test_a_lock_is_complete(lock: Path) -> None:
    locked = {canonicalize_name(requirement.name): requirement for requirement in _locked(lock)}
    assert locked
    missing = [
        f"{requirement.name} needs {needed}"
        for requirement in locked.values()
        for needed in _needed(requirement)
        if not _satisfied(needed, locked.get(canonicalize_name(needed.name)))
    ]
    assert missing == []


def _satisfied(needed: Requirement, pinned: Requirement | None) -> bool:
    if pinned is None:
        return False
    [version] = [pin.version for pin in pinned.specifier]
    return needed.specifier.contains(version, prereleases=True) and needed.extras <= pinned.extras


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_is_for_any_index(lock: Path) -> None:
    """Each package has hashes, and no address is named."""
    text = lock.read_text()
    assert not re.search(r"https?://|^--", text, re.MULTILINE)
    for requirement in re.findall(r"^[a-z].*(?:\n    .*)*", text, re.MULTILINE):
        assert "--hash=sha256:" in requirement
