"""docs/kinds.md: every Python snippet runs, and the first is the kind that `headrace new podcast` writes."""

import ast
import inspect
import re
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, get_type_hints

import pytest

from cli.new_kind import write_package
from headrace import Kind
from headrace.testing import run_kind
from tests.support.makefile import ROOT

GUIDE = ROOT / "docs/kinds.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def podcast(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What the snippets share: each reads on where the one before it ended."""
    module = ModuleType("podcast")
    monkeypatch.setitem(sys.modules, "podcast", module)
    return module


def _compiled(number: int) -> CodeType:
    return compile(SNIPPETS[number], f"{GUIDE.name}, snippet {number + 1}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def test_every_snippet_runs(podcast: ModuleType) -> None:
    """A pipeline is run to its end, and once more with what it has saved."""
    assert len(SNIPPETS) >= 11
    for number in range(len(SNIPPETS)):
        before = vars(podcast).get("make")
        running = eval(_compiled(number), vars(podcast))  # noqa: S307  # our own guide
        if inspect.isawaitable(running):
            await running
        if (make := vars(podcast).get("make")) is not before:
            await run_kind(_kind(make), {"topic": "The tides"}, resume=True)


def _kind(make: Any) -> Kind:  # noqa: ANN401  # a snippet's
    hints = get_type_hints(make)
    return Kind(
        name="podcast", path="/podcasts", input=hints["input"], result=hints["return"], summary="A snippet", make=make
    )


def test_the_first_snippet_is_what_headrace_writes(tmp_path: Path) -> None:
    write_package("podcast", tmp_path / "podcast")
    assert SNIPPETS[0] == (tmp_path / "podcast/podcast/__init__.py").read_text()
