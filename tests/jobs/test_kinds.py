"""jobs/kind.py and jobs/kinds.py: kinds that cannot be are refused at once, and kinds of others are found."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs import kinds
from jobs.kind import InvalidKind, Kind

pytestmark = pytest.mark.slow

STORY = kinds.get("story")

PODCAST = """\
from pydantic import BaseModel
from headrace import JobContext, Kind

class Input(BaseModel):
    topic: str

class Result(BaseModel):
    words: str

async def make(job: JobContext, input: Input) -> Result:
    return Result(words=input.topic)

KIND = Kind(name="podcast", path="/podcasts", input=Input, result=Result, summary="A podcast", make=make)
"""

Known = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def known(tmp_path: Path) -> Known:
    """Asks another process for its kinds, with these modules on its path."""

    def ask(spec: str, **modules: str) -> subprocess.CompletedProcess[str]:
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        script = (
            f"import sys; sys.path.append({str(tmp_path)!r})\n"
            "import json\nfrom jobs import kinds\nfrom jobs.kind import InvalidKind\n"
            "try:\n    print(json.dumps([kind.name for kind in kinds.known()]))\n"
            "except InvalidKind as error:\n    sys.exit(str(error))\n"
        )
        command = [sys.executable, "-c", script]
        return subprocess.run(  # noqa: S603  # this interpreter
            command, env={"HEADRACE_KINDS": spec}, capture_output=True, text=True, check=False, timeout=60
        )

    return ask


def test_the_built_in_kinds_are_found_by_the_entry_points_of_the_package() -> None:
    assert [kind.name for kind in kinds.known()] == ["coloring_page", "lesson", "report", "story", "warmup"]
    assert all(isinstance(kind.make, str) for kind in kinds.known()), "the API imports none of them"


@pytest.mark.parametrize("spec", ["podcast", "podcast:KIND", " podcast ,"])
def test_a_module_that_is_named_adds_a_kind(known: Known, spec: str) -> None:
    assert "podcast" in json.loads(known(spec, podcast=PODCAST).stdout)


@pytest.mark.parametrize(
    ("spec", "text", "said"),
    [
        ("podcats", PODCAST, "HEADRACE_KINDS: podcats: module podcats cannot be imported: ModuleNotFoundError"),
        ("podcast:KIN", PODCAST, "HEADRACE_KINDS: podcast:KIN: module podcast has no KIN; it has KIND"),
        ("podcast", PODCAST.replace("KIND =", "KIDN ="), "module podcast has no KIND; it has KIDN"),
        ("podcast", "KIND = 7", "podcast:KIND is no Kind but int"),
        ("podcast", PODCAST.replace('"podcast"', '"story"'), "there is a kind 'story' already; rename one of them"),
        ("podcast", PODCAST.replace("/podcasts", "/stories"), "path /stories is taken by kind 'story'"),
        ("podcast", PODCAST.replace("topic: str", "priority: int"), "input field priority is named like an option"),
        ("podcast", PODCAST.replace("async def", "def"), "make must be an async function"),
        ("podcast", "import nothing_of_the_sort", "No module named 'nothing_of_the_sort'"),
    ],
)
def test_a_kind_that_cannot_be_is_named_with_the_remedy(known: Known, spec: str, text: str, said: str) -> None:
    told = known(spec, podcast=text)
    assert told.returncode == 1
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_all_that_is_wrong_is_said_at_once(known: Known) -> None:
    told = known("one,two", one="", two="KIND = 1").stderr
    assert "module one has no KIND" in told
    assert "two:KIND is no Kind" in told


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Pod Cast"}, "name must be lower-case letters"),
        ({"path": "podcasts"}, "path 'podcasts' must be"),
        ({"input": dict}, "input must be a pydantic model"),
        ({"result": None}, "result must be a pydantic model"),
        ({"make": "no reference"}, "make must be an async function or 'module:function'"),
        ({"uploads": ("nothing",)}, "uploads ('nothing',) must name fields of StoryInput"),
        ({"version": 0}, "version counts from 1"),
        ({"queue": "a b"}, "queue 'a b' must be"),
        ({"errors": {"acme.Overloaded": "Busy"}}, "errors must map exceptions, or their full names"),
        ({"errors": 1}, "errors must map exceptions, or their full names"),
    ],
)
def test_a_kind_says_what_is_wrong_with_it(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidKind) as raised:
        replace(STORY, **changes)
    assert said in str(raised.value)


def test_a_missing_pipeline_is_found_without_importing_it() -> None:
    assert STORY.missing_pipeline() is None
    missing: Kind = replace(STORY, make="kinds.story.pipelin:make")
    assert (
        missing.missing_pipeline()
        == "kind 'story': make 'kinds.story.pipelin:make': there is no module kinds.story.pipelin"
    )
