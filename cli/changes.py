"""Which files of the kinds have changed, and whether they are Python at all."""

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path


class Changes:
    """What has changed in the kinds' files since it was asked last."""

    def __init__(self, more: Callable[[], Sequence[Path]]) -> None:
        """`more` lists further files, such as those that may have come meanwhile."""
        self._more = more
        self._places: Sequence[Path] = ()
        self._seen: dict[Path, int] = {}

    def watch(self, places: Sequence[Path]) -> None:
        """`places` are files, and folders with all that is in them."""
        self._places = places
        self._seen |= {path: at for path, at in self._now().items() if path not in self._seen}

    def changed(self) -> list[Path]:
        now = self._now()
        changed = sorted(path for path in now.keys() | self._seen.keys() if now.get(path) != self._seen.get(path))
        self._seen = now
        return changed

    def syntax_error(self) -> str | None:
        """`podcast.py, line 3: invalid syntax`, of the first file that is no Python."""
        return next(filter(None, map(syntax_error, self._seen)), None)

    def _now(self) -> dict[Path, int]:
        """Every file, and when it was written (ns)."""
        found: dict[Path, int] = {}
        for path in (*self._files(), *self._more()):
            try:
                found[path] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
        return found

    def _files(self) -> Iterator[Path]:
        for place in self._places:
            if place.is_dir():
                yield from (path for path in place.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
            else:
                yield place


def syntax_error(path: Path) -> str | None:
    """Where and what it is; None for a file that is right, no Python or gone."""
    if path.suffix != ".py" or not path.is_file():
        return None
    try:
        ast.parse(path.read_bytes())
    except SyntaxError as error:
        return f"{path}, line {error.lineno}: {error.msg}"
    except ValueError as error:
        return f"{path}: {error}"
    return None
