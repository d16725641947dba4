"""The documentation's site needs no other host, and its links lead somewhere, as those of the files beside it do."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import html

from tests.support.makefile import ROOT, command

LOADED = "//script/@src | //img/@src | //link[@rel != 'canonical']/@href | //iframe/@src"


def _build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Builds the site of the project in that folder, as `make docs` does."""
    program, *options = command("docs", "mkdocs build")
    return subprocess.run([ROOT / program, *options], cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603  # our own


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the site is made of."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("mkdocs.yml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_its_pages_load_nothing_from_another_host(project: Path) -> None:
    built = _build(project)
    assert built.returncode == 0, built.stderr
    pages = list((project / ".headrace/site").rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs/decisions").glob("*.md")))
    loaded = {address for page in pages for address in html.parse(page).xpath(LOADED)}
    assert any(address.endswith(".css") for address in loaded)
    assert [address for address in loaded if "//" in address] == []
    styles = (project / ".headrace/site").rglob("*.css")
    assert [style.name for style in styles if re.search(r"url\(.?(https?:)?//", style.read_text())] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[gone](gone.md)", "gone.md"),
        ("[gone](scaling.md#gone)", "#gone"),
        ("[code](../jobs/settings.py)", "settings.py"),
    ],
)
def test_a_link_that_leads_nowhere_is_an_error(project: Path, text: str, fault: str) -> None:
    page = project / "docs/index.md"
    page.write_text(f"{page.read_text()}\n{text}\n")
    built = _build(project)
    assert built.returncode != 0
    assert fault in built.stderr


def test_a_page_that_no_menu_names_is_an_error(project: Path) -> None:
    (project / "docs/forgotten.md").write_text("# Forgotten\n")
    built = _build(project)
    assert built.returncode != 0
    assert "forgotten.md" in built.stderr


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("*.md")))
def test_files_that_are_linked_to_are_there(name: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / name).read_text())
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in inside if not (ROOT / link).exists()] == []
    assert inside or name not in {"README.md", "SECURITY.md"}
