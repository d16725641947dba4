"""`headrace dev --kinds`: which modules of a folder are named, and which of their changes are seen."""

import os
from pathlib import Path

import pytest

from cli.changes import Changes
from cli.kinds_folder import KindsFolder


def _write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / f"{name.replace('__in__', '/__init__')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("KIND = Kind(name='podcast')", True),
        ("KIND: Kind = Kind(name='podcast')", True),
        ("from .kind import KIND", True),
        ("from .kind import NEWS as KIND", True),
        ("KINDS = 7", False),
        ("def f():\n    KIND = 7", False),
        ("# KIND is elsewhere", False),
    ],
)
def test_a_module_is_named_that_has_a_kind(tmp_path: Path, text: str, found: bool) -> None:
    _write(tmp_path, always="KIND = 1", podcast__in__=text)
    assert KindsFolder(tmp_path).modules() == (["always", "podcast"] if found else ["always"])


def test_a_test_that_imports_a_kind_is_none(tmp_path: Path) -> None:
    _write(tmp_path, podcast="KIND = 1", test_podcast="from podcast import KIND")
    assert KindsFolder(tmp_path).modules() == ["podcast"]


def test_a_package_may_be_named_itself(tmp_path: Path) -> None:
    _write(tmp_path, podcast__in__="KIND = 1")
    folder = KindsFolder(tmp_path / "podcast")
    assert (folder.path, folder.modules()) == (tmp_path, ["podcast"])


def test_every_change_is_seen_once(tmp_path: Path) -> None:
    _write(tmp_path, podcast__in__="KIND = 1")
    folder = KindsFolder(tmp_path)
    changes = Changes(folder.files)
    changes.watch([tmp_path / "podcast"])
    assert changes.changed() == []

    prompt, code = tmp_path / "podcast/prompt.md", tmp_path / "podcast/__init__.py"
    prompt.write_text("Write.")
    assert changes.changed() == [prompt]
    os.utime(code, ns=(1, 1))
    assert changes.changed() == [code]
    (tmp_path / "podcast/__pycache__").mkdir()
    (tmp_path / "podcast/__pycache__/podcast.pyc").touch()
    assert changes.changed() == []
    _write(tmp_path, news="KIND = 2")
    assert changes.changed() == [tmp_path / "news.py"], "a kind that has come since"
    prompt.unlink()
    assert changes.changed() == [prompt]
    assert changes.changed() == []


def test_what_is_no_python_is_named_with_its_line(tmp_path: Path) -> None:
    _write(tmp_path, podcast__in__="KIND = 1")
    changes = Changes(list)
    changes.watch([tmp_path / "podcast"])
    assert changes.syntax_error() is None
    helper = tmp_path / "podcast/helper.py"
    helper.write_text("\ndef f(:\n")
    changes.changed()
    assert changes.syntax_error() == f"{helper}, line 2: invalid syntax"
