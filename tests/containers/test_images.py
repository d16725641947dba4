"""What is in the images, and what is not."""

import json
import re
import shlex
from importlib.metadata import version
from typing import cast

import pytest
from docker import DockerClient

from tests.containers.nodes import API_IMAGE, HARDENED, ROOT, WORKER_IMAGE

BOTH = pytest.mark.parametrize("image", [API_IMAGE, WORKER_IMAGE])
DISTRIBUTIONS = "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))"


def _run(engine: DockerClient, image: str, command: str) -> str:
    """Its output in a container of the image; ContainerError when it fails."""
    output = cast("bytes", engine.containers.run(image, shlex.split(command), remove=True, **HARDENED))
    return output.decode()


def _locked(extra: str) -> set[str]:
    text = (ROOT / f"requirements/{extra}.txt").read_text()
    return set(re.findall(r"^([a-z0-9.-]+)", text, re.MULTILINE))


def _installed(engine: DockerClient, image: str) -> set[str]:
    names: list[str] = json.loads(_run(engine, image, f"python -c {shlex.quote(DISTRIBUTIONS)}"))
    return {re.sub("[._-]+", "-", name).lower() for name in names}


def test_the_api_image_has_what_is_locked_for_it_and_nothing_of_the_worker(docker_client: DockerClient) -> None:
    of_the_worker = _locked("worker") - _locked("api")
    assert {"openai", "pillow", "typst", "numpy"} <= of_the_worker
    installed = _installed(docker_client, API_IMAGE)
    assert "fastapi" in installed
    assert installed & of_the_worker == set()
    assert "absent" in _run(docker_client, API_IMAGE, "sh -c 'python -c \"import tasks\" 2>/dev/null || echo absent'")


def test_the_worker_image_has_flower_and_nothing_of_the_api(docker_client: DockerClient) -> None:
    installed = _installed(docker_client, WORKER_IMAGE)
    assert {"openai", "pillow", "typst", "flower"} <= installed
    assert "fastapi" not in installed


@BOTH
def test_an_image_says_what_it_is_and_how_to_see_that_it_is_well(docker_client: DockerClient, image: str) -> None:
    config = docker_client.images.get(image).attrs["Config"]
    assert config["Labels"]["org.opencontainers.image.version"] == version("headrace")
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", config["Labels"]["org.opencontainers.image.revision"])
    assert config["User"] == "1000"
    assert config["Healthcheck"]["Test"][0] == "CMD"


@BOTH
def test_an_image_has_no_tools_to_build_with_and_nothing_its_user_could_change(
    docker_client: DockerClient, image: str
) -> None:
    found = _run(docker_client, image, "sh -c 'command -v gcc cc g++ make git hatchling uv || true'")
    assert found == ""
    assert _run(docker_client, image, "sh -c 'ls /venv/bin | grep -c ^pip || true'").strip() == "0"
    # By owner and permission: in a container that is read-only, nothing at all is writable.
    mine = "find /venv /app -not -type l ( -user 1000 -o -group 1000 -o -perm /o=w )"
    assert _run(docker_client, image, mine) == ""
    assert _run(docker_client, image, mine.replace("/venv /app", "/data")) == "/data\n"


@BOTH
def test_the_headrace_command_starts_and_says_what_an_image_does_without(
    docker_client: DockerClient, image: str
) -> None:
    assert "Usage: headrace" in _run(docker_client, image, "headrace --help")
    said = _run(docker_client, image, "sh -c 'headrace dev 2>&1 || echo exit $?'")
    assert "is not installed here" in said
    assert "exit 1" in said
    assert "Traceback" not in said


def test_a_checkout_s_secrets_do_not_reach_the_engine() -> None:
    """Only what is listed goes into the build's context."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    listed = [rule for rule in rules if rule.startswith("!")]
    packaging = ["!requirements/*.txt", "!pyproject.toml", "!README.md", "!LICENSE"]
    assert listed == ["!api", "!cli", "!headrace", "!jobs", "!kinds", "!tasks", *packaging]
