"""One process of `headrace dev`: `python -P -m cli.role FOLDERS api PORT`, `... celery ARGUMENTS`, `... kinds`.

A folder of kinds may well have an `api/`, a `jobs/` or a `tasks/` of its own. With -P the working folder is not on the
path, where it would stand in for a part of Headrace. FOLDERS are put last, where HEADRACE_KINDS still finds modules.
"""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from jobs import kinds
from jobs.environment import UnreadableSettings, read_settings
from jobs.kind import InvalidKind


def run() -> None:
    folders, role, *arguments = sys.argv[1:]
    sys.path.extend(folders.split(os.pathsep))
    match role:
        case "api":
            _serve_api(int(arguments[0]))
        case "celery":
            _run_celery(arguments)
        case _:
            print(json.dumps({"fault": _fault(), "places": _places()}))  # noqa: T201  # the answer


def _serve_api(port: int) -> None:
    import uvicorn  # noqa: PLC0415  # each role loads its own libraries

    uvicorn.run("api.app:create_app", factory=True, port=port)


def _run_celery(arguments: list[str]) -> None:
    from tasks.celery import app  # noqa: PLC0415  # as above

    sys.exit(app.start(arguments))


def _fault() -> str | None:
    """Why no worker could start."""
    from tasks.engine.worker import startup_fault  # noqa: PLC0415  # as above

    try:
        return startup_fault(read_settings())
    except (UnreadableSettings, InvalidKind) as error:
        return str(error)


def _places() -> list[str]:
    """Where the kinds are: a package's folder, or the file of a module."""
    found: list[str] = []
    for module in kinds.modules():
        try:
            spec = find_spec(module)
        except ImportError:
            continue
        if spec and spec.origin:
            path = Path(spec.origin)
            found.append(str(path.parent if path.name == "__init__.py" else path))
    return found


if __name__ == "__main__":
    run()
