"""Pages set by typst from a template of ours and data that is never read as markup."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typst

_DATA = "data.json"
"""What a template reads: `#let book = json("data.json")`."""
_TEMPLATE = "page.typ"
_POINTS_PER_INCH = 72.0

_NO_PICTURES: Mapping[str, bytes] = {}


def render_pdf(template: str, data: Any, pictures: Mapping[str, bytes] = _NO_PICTURES) -> bytes:  # noqa: ANN401  # any JSON value
    """`pictures` are files that the template may name. Only the fonts that typst brings along are used.

    Raises typst.TypstError (a RuntimeError) for a picture that is none.
    """
    with TemporaryDirectory(prefix="headrace-typst-") as folder:
        root = _lay_out(Path(folder), template, data, pictures)
        return typst.compile(root / _TEMPLATE, root=root, ignore_system_fonts=True)


def render_pngs(template: str, data: Any, pictures: Mapping[str, bytes] = _NO_PICTURES) -> list[bytes]:  # noqa: ANN401
    """A PNG for each page, a pixel for each point of it. As `render_pdf` in all else."""
    with TemporaryDirectory(prefix="headrace-typst-") as folder:
        root = _lay_out(Path(folder), template, data, pictures)
        made: bytes | list[bytes] = typst.compile(
            root / _TEMPLATE, root=root, format="png", ppi=_POINTS_PER_INCH, ignore_system_fonts=True
        )
        return made if isinstance(made, list) else [made]


def _lay_out(folder: Path, template: str, data: Any, pictures: Mapping[str, bytes]) -> Path:  # noqa: ANN401
    """All of it as files, which is how typst takes it."""
    (folder / _TEMPLATE).write_text(template)
    (folder / _DATA).write_text(json.dumps(data))
    for name, content in pictures.items():
        (folder / name).write_bytes(content)
    return folder
