"""Small wheels for a local index, made without building anything."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel(index: Path, name: str, version: str, *, requires: Sequence[str] = (), extra: str | None = None) -> None:
    """Adds an empty distribution to the index, which has the extra if one is named."""
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Provides-Extra: {extra}"] if extra else []
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    folder = f"{name}-{version}.dist-info"
    files = {f"{folder}/METADATA": "\n".join(metadata) + "\n", f"{folder}/WHEEL": WHEEL}
    files[f"{folder}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{folder}/RECORD"])
    with zipfile.ZipFile(index / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
