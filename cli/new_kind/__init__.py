"""`headrace new NAME`: a package with a kind of one's own, and its test."""

from importlib.metadata import version
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from string import Template

from cli.errors import CommandFailed
from jobs import kinds
from jobs.kind import InvalidKind, is_kind_name

TEMPLATES = Path(__file__).parent
FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "{name}/__init__.py": "kind.py.txt",
    "tests/test_{name}.py": "test.py.txt",
}
"""Where each template goes."""


def write_package(name: str, folder: Path) -> list[Path]:
    """Writes the package into a new folder, or an empty one; returns its files.

    Raises CommandFailed for a name that cannot be, and a folder that has something in it.
    """
    _require_name(name)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CommandFailed(f"{folder} is there already, and nothing is overwritten: choose another with --folder")
    words = {
        "name": name,
        "Name": "".join(part.capitalize() for part in name.split("_")),
        "words": name.replace("_", " "),
        "path": _path(name),
        "project": name.replace("_", "-").strip("-"),
        "headrace": version("headrace"),
    }
    written: list[Path] = []
    try:
        for place, template in FILES.items():
            path = folder / place.format(name=name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template((TEMPLATES / template).read_text()).substitute(words))
            written.append(path)
    except OSError as error:
        raise CommandFailed(f"{folder} cannot be written: {error.strerror}") from None
    return written


def _require_name(name: str) -> None:
    if not is_kind_name(name) or iskeyword(name):
        raise CommandFailed(
            f"{name!r} cannot be the name of a kind: write lower-case letters, digits and _, a letter first, such as"
            " podcast or weekly_news"
        )
    try:
        known = kinds.known()
    except InvalidKind as error:
        raise CommandFailed(str(error)) from None
    if any(name == kind.name or _path(name) == kind.path for kind in known):
        raise CommandFailed(f"there is a kind {name!r} already: choose another name")
    if spec := find_spec(name):
        raise CommandFailed(f"there is a module {name!r} already ({spec.origin}): choose another name")


def _path(name: str) -> str:
    return f"/{name.replace('_', '-').strip('-')}s"
