"""What the Makefile would run, so that tests run no copy of it."""

import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def command(target: str, part: str) -> list[str]:
    """The words of the one command of `make TARGET` that has this part."""
    made = subprocess.run(  # noqa: S603  # our own
        ["make", "--dry-run", "--always-make", target],  # noqa: S607  # where make is differs
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    [line] = [line for line in made.stdout.splitlines() if part in line]
    return shlex.split(line)
