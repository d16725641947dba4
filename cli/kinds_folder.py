"""`headrace dev --kinds FOLDER`: the modules of a folder that have a kind."""

import ast
from importlib.util import find_spec
from pathlib import Path

from cli.changes import syntax_error
from cli.errors import CommandFailed


class KindsFolder:
    """A folder with modules, or packages, that have a KIND; or one such package."""

    def __init__(self, folder: Path) -> None:
        """Raises CommandFailed when it is no folder."""
        if not folder.is_dir():
            raise CommandFailed(f"--kinds: {folder} is no folder")
        self._folder = folder
        self._package = (folder / "__init__.py").is_file()
        self.path = folder.resolve().parent if self._package else folder.resolve()
        """What goes on the path."""

    def files(self) -> list[Path]:
        """Those that could have a KIND."""
        if self._package:
            return [self.path / self._folder.resolve().name / "__init__.py"]
        return sorted([*self.path.glob("*.py"), *self.path.glob("*/__init__.py")])

    def modules(self) -> list[str]:
        """Those that have a KIND. Raises CommandFailed: there is none, or one cannot be read or imported."""
        found = {_module(file): file for file in self.files() if _has_kind(file)}
        if not found:
            raise CommandFailed(f"--kinds: no module in {self._folder} has a KIND; `headrace new` writes one")
        for module, file in found.items():
            if not module.isidentifier():
                raise CommandFailed(f"--kinds: {file}: {module!r} is no name of a module; rename it")
            spec = find_spec(module)
            if spec and spec.origin and Path(spec.origin) != file:
                other = f"there is another module {module}, {spec.origin}, which comes first"
                raise CommandFailed(f"--kinds: {file}: {other}; uninstall that, or rename this one")
        return list(found)


def _module(file: Path) -> str:
    return file.parent.name if file.name == "__init__.py" else file.stem


def _has_kind(file: Path) -> bool:
    """Without importing it. Raises CommandFailed for a file that names a KIND and is no Python."""
    text = file.read_bytes()
    if b"KIND" not in text:
        return False
    if fault := syntax_error(file):
        raise CommandFailed(f"--kinds: {fault}")
    # A module that imports a KIND uses another's, as a test does; a package makes it its own.
    package = file.name == "__init__.py"
    return any(_binds_kind(node, imported=package) for node in ast.parse(text).body)


def _binds_kind(node: ast.stmt, *, imported: bool) -> bool:
    match node:
        case ast.Assign(targets=targets):
            return any(isinstance(target, ast.Name) and target.id == "KIND" for target in targets)
        case ast.AnnAssign(target=ast.Name(id="KIND")):
            return True
        case ast.ImportFrom(names=names):
            return imported and any((alias.asname or alias.name) == "KIND" for alias in names)
        case _:
            return False
