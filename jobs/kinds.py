"""The kinds of job: every folder of `kinds` that has a `KIND` is one."""

import importlib
from importlib.resources import files

from jobs.errors import UnknownKind
from jobs.kind import Kind

__all__ = ["Kind", "get", "known"]


def _find() -> dict[str, Kind]:
    folders = sorted(entry.name for entry in files("kinds").iterdir() if entry.is_dir() and entry.name[0] != "_")
    modules = [importlib.import_module(f"kinds.{name}") for name in folders if name not in {"offline", "shared"}]
    return {module.KIND.name: module.KIND for module in modules if hasattr(module, "KIND")}


_KINDS = _find()


def known() -> list[Kind]:
    return list(_KINDS.values())


def get(name: str) -> Kind:
    """The kind of that name. Raises UnknownKind."""
    try:
        return _KINDS[name]
    except KeyError:
        raise UnknownKind(name, sorted(_KINDS)) from None
