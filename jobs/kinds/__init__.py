"""The kinds of job: every module here that has a `KIND` is one."""

import importlib
import pkgutil

from jobs.errors import UnknownKind
from jobs.kinds.kind import Kind

__all__ = ["Kind", "get", "known"]


def _find() -> dict[str, Kind]:
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
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
