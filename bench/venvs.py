"""The peers' environments: each in a venv of its own, so that versions do not clash."""

import subprocess
import sys
import venv
from pathlib import Path

from bench.systems import PEERS, VENVS, System


class NotInstalled(Exception):
    """A peer's environment could not be built; the message is uv's last words."""


def prepare(system: System) -> str:
    """Builds the system's environment unless it is there already; returns the version of its library.

    Raises NotInstalled.
    """
    if system.requirements is not None:
        build(system.requirements, PEERS / f"{system.requirements}.txt")
    asked = f"from importlib.metadata import version; print(version({system.library!r}))"
    found = subprocess.run(system.python("-c", asked), capture_output=True, text=True, check=True)  # noqa: S603  # our own
    return found.stdout.strip()


def build(name: str, requirements: Path) -> Path:
    """The folder of the environment of that name, which has what the file asks for. Raises NotInstalled."""
    wanted = requirements.read_text()
    folder = VENVS / name
    built = folder / "built-from.txt"
    if built.exists() and built.read_text() == wanted:
        return folder
    venv.create(folder, clear=True)
    install = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    where = ["--python", str(folder / "bin" / "python"), "--requirement", str(requirements)]
    done = subprocess.run([*install, *where], capture_output=True, text=True, check=False)  # noqa: S603  # our own
    if done.returncode:
        raise NotInstalled(done.stderr.strip().splitlines()[-1])
    built.write_text(wanted)
    return folder
