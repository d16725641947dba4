"""The kinds of job there are: those of installed packages, and those that HEADRACE_KINDS names.

A package announces a kind as an entry point of the group `headrace.kinds`, Headrace's own included; a module on the
path needs only to be named: `HEADRACE_KINDS=podcast,more.kinds:NEWS`.
"""

import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from jobs.errors import UnknownKind
from jobs.kind import InvalidKind, Kind
from jobs.options import JobOptions

__all__ = ["InvalidKind", "Kind", "faults", "get", "known", "modules", "usable"]

GROUP = "headrace.kinds"
VARIABLE = "HEADRACE_KINDS"
ATTRIBUTE = "KIND"
"""Of the module, where HEADRACE_KINDS names none."""


def known() -> list[Kind]:
    """Every kind, by name. Raises InvalidKind, which names all that are wrong: nothing starts with half its kinds."""
    if faulty := faults():
        raise InvalidKind("; ".join(faulty))
    return usable()


def usable() -> list[Kind]:
    """The kinds that can be loaded, by name, for whoever looks at a fleet while others cannot."""
    return list(_found().kinds.values())


def faults() -> tuple[str, ...]:
    """Why kinds that are announced here cannot be loaded."""
    return _found().faults


def get(name: str) -> Kind:
    """The kind of that name. Raises UnknownKind."""
    try:
        return _found().kinds[name]
    except KeyError:
        raise UnknownKind(name, list(_found().kinds)) from None


def modules() -> list[str]:
    """The modules that are said to have a kind, whether they can be imported or not."""
    return [source.module for source in _sources()]


@dataclass(frozen=True)
class _Source:
    """Where a kind is said to be."""

    module: str
    attribute: str
    announced_by: str

    def load(self) -> Kind:
        try:
            module = import_module(self.module)
        except (Exception, SystemExit) as error:
            why = f"{type(error).__name__}: {error}{_line_of(error)}"
            raise InvalidKind(f"{self.announced_by}: module {self.module} cannot be imported: {why}") from error
        kind = getattr(module, self.attribute, None)
        if kind is None:
            near = [name for name, value in vars(module).items() if isinstance(value, Kind)]
            near = near or get_close_matches(self.attribute, vars(module))
            remedy = f"; it has {near[0]}" if near else ""
            raise InvalidKind(f"{self.announced_by}: module {self.module} has no {self.attribute}{remedy}")
        if not isinstance(kind, Kind):
            what = f"{self.module}:{self.attribute} is no Kind but {type(kind).__name__}"
            raise InvalidKind(f"{self.announced_by}: {what}")
        return cast("Kind", kind)


def _line_of(error: BaseException) -> str:
    """Where an import failed, unless that was in the import system itself."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return "" if last.filename.startswith("<frozen") else f" ({last.filename}:{last.lineno})"


def _sources() -> Iterator[_Source]:
    for point in entry_points(group=GROUP):
        announced_by = f"entry point {point.name!r} of {point.dist.name if point.dist else 'a package'}"
        yield _Source(point.module, point.attr or ATTRIBUTE, announced_by)
    for part in filter(None, map(str.strip, os.environ.get(VARIABLE, "").split(","))):
        module, _, attribute = part.partition(":")
        yield _Source(module, attribute or ATTRIBUTE, f"{VARIABLE}: {part}")


@dataclass(frozen=True)
class _Found:
    kinds: dict[str, Kind]
    faults: tuple[str, ...]


@cache
def _found() -> _Found:
    found: dict[str, Kind] = {}
    by_path: dict[str, str] = {}
    faulty: list[str] = []
    for source in _sources():
        try:
            kind = source.load()
            _check(kind, source, found, by_path)
        except InvalidKind as error:
            faulty.append(str(error))
            continue
        found[kind.name] = kind
        by_path[kind.path] = kind.name
    return _Found(dict(sorted(found.items())), tuple(faulty))


def _check(kind: Kind, source: _Source, found: dict[str, Kind], by_path: dict[str, str]) -> None:
    if found.get(kind.name, kind) is not kind:
        raise InvalidKind(f"{source.announced_by}: there is a kind {kind.name!r} already; rename one of them")
    if by_path.get(kind.path, kind.name) != kind.name:
        taken = f"path {kind.path} is taken by kind {by_path[kind.path]!r}"
        raise InvalidKind(f"{source.announced_by}: kind {kind.name!r}: {taken}; give one of them another path")
    if shared := sorted(kind.input.model_fields.keys() & JobOptions.model_fields.keys()):
        fields = ", ".join(shared)
        raise InvalidKind(f"kind {kind.name!r}: input field {fields} is named like an option of every job; rename it")
