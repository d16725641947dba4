"""A kind that cannot be: whatever is started says so in one line and ends; `headrace doctor` says it and goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.embedded_redis import EmbeddedRedis
from tests.support.ports import free_port

HEAD = """\
from pydantic import BaseModel
from headrace import Kind

class Text(BaseModel):
    text: str

async def make(job, input):
    return input
"""
KIND = 'Kind(name="{name}", path="/{path}", input=Text, result=Text, summary="A test", make={make})\n'
MODULES = {
    "misspelt": HEAD + "KINDD = " + KIND.format(name="misspelt", path="misspelt", make="make"),
    "twin": HEAD + "KIND = " + KIND.format(name="story", path="twins", make="make"),
    "double": HEAD + "KIND = " + KIND.format(name="double", path="stories", make="make"),
    "typo": "import jsonn\n",
    "quitter": "import sys\nsys.exit(3)\n",
    "unmade": HEAD + "KIND = " + KIND.format(name="unmade", path="unmade", make="'nowhere:make'"),
}
FAULTS = {
    "misspelt": "HEADRACE_KINDS: misspelt: module misspelt has no KIND; it has KINDD",
    "twin": "HEADRACE_KINDS: twin: there is a kind 'story' already; rename one of them",
    "double": "HEADRACE_KINDS: double: kind 'double': path /stories is taken by kind 'story'; give one of them another",
    "typo": "HEADRACE_KINDS: typo: module typo cannot be imported: ModuleNotFoundError: No module named 'jsonn'",
    "quitter": "HEADRACE_KINDS: quitter: module quitter cannot be imported: SystemExit: 3",
    "missing": "HEADRACE_KINDS: missing: module missing cannot be imported: ModuleNotFoundError: No module named",
}
WORKER = [sys.executable, "-m", "celery", "-A", "tasks", "worker"]
API = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--port", "1"]
HEADRACE = [sys.executable, "-c", "from cli.main import run; run()"]


def _run(command: list[str], folder: Path, kinds: str, redis_url: str) -> subprocess.CompletedProcess[str]:
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")} | {
        "HEADRACE_KINDS": kinds,
        "HEADRACE_FILES_URL": f"file://{folder / 'files'}",
        "PYTHONPATH": os.pathsep.join([str(folder), str(Path.cwd())]),
        "REDIS_URL": redis_url,
    }
    return subprocess.run(  # noqa: S603  # this interpreter
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("command", "kind"),
    [*((WORKER, kind) for kind in FAULTS), (API, "misspelt"), (API, "twin"), ([*HEADRACE, "drain"], "missing")],
    ids=[*FAULTS, "the API", "the API and a twin", "drain"],
)
def test_nothing_starts_with_a_kind_that_cannot_be_loaded(
    tmp_path: Path, redis_url: str, command: list[str], kind: str
) -> None:
    ended = _run(command, tmp_path, kind, redis_url)
    assert ended.returncode in {1, 2}
    [line] = (ended.stdout + ended.stderr).splitlines()
    assert line.startswith(f"headrace: {FAULTS[kind]}")


@pytest.mark.parametrize("command", [WORKER, [*HEADRACE, "drain"]], ids=["worker", "drain"])
def test_no_worker_starts_without_a_pipeline(tmp_path: Path, redis_url: str, command: list[str]) -> None:
    ended = _run(command, tmp_path, "unmade", redis_url)
    assert ended.returncode == 1
    [line] = (ended.stdout + ended.stderr).splitlines()
    assert line == "headrace: kind 'unmade': make 'nowhere:make': there is no module nowhere"


@pytest.mark.parametrize("command", ["dev", "demo"])
def test_neither_does_the_platform_of_one_machine(tmp_path: Path, redis_url: str, command: str) -> None:
    ended = _run([*HEADRACE, command, f"--api-port={free_port()}"], tmp_path, "misspelt", redis_url)
    assert ended.returncode in {1, 2}
    assert f"headrace: {FAULTS['misspelt']}" in ended.stderr.splitlines()
    assert "Traceback" not in ended.stdout + ended.stderr


def test_the_line_of_a_fault_in_the_module_is_named(tmp_path: Path, redis_url: str) -> None:
    ended = _run(WORKER, tmp_path, "typo", redis_url)
    assert ended.stderr.endswith(f" ({tmp_path / 'typo.py'}:1)\n")


def test_doctor_names_each_and_goes_on(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis", port=free_port())
    server.start()
    try:
        ended = _run([*HEADRACE, "doctor"], tmp_path, "misspelt,twin,unmade", server.url)
    finally:
        server.stop()
    assert ended.returncode == 1, ended.stderr
    wrong = [line for line in ended.stdout.splitlines() if line.startswith("WRONG")]
    assert wrong == [
        f"WRONG  A kind cannot be loaded here: {FAULTS['misspelt']}.",
        f"WRONG  A kind cannot be loaded here: {FAULTS['twin']}.",
        "WRONG  A pipeline is missing here: kind 'unmade': make 'nowhere:make': there is no module nowhere.",
    ]
    assert "default  0" in ended.stdout, "the rest of the report is there"
