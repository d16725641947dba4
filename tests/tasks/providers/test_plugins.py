"""A provider that a package brings: known by name to API and settings, opened by workers, under rates as any other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MODULE = """\
from headrace.provider import Image, ProviderPlugin, Text
from headrace.usage import Usage


class Acme:
    name, text_model, image_model = "acme", "writer", "painter"

    async def text(self, request):
        return Text(request.answer.model_validate({"words": "by acme"}), Usage("acme", "writer", input_tokens=3))

    async def image(self, request):
        return Image(b"png", Usage("acme", "painter", images=1))

    async def aclose(self):
        pass


ACME = ProviderPlugin(lambda settings: Acme(), missing=lambda settings: None)
LOCKED = ProviderPlugin(lambda settings: Acme(), missing=lambda settings: "ACME_KEY is not set")
"""

SCRIPT = """\
import asyncio, json, sys
from pydantic import BaseModel, ValidationError
from api.app import create_app
from headrace.generated import GeneratedInput
from headrace.provider import Call, TextRequest
from jobs.environment import UnreadableSettings, read_settings
from tasks.providers.registry import Providers, missing

class Words(BaseModel):
    words: str

async def write(settings):
    provider = await Providers(settings).choose(GeneratedInput()).open()
    return (await provider.text(TextRequest(Call("job", "step"), "Write.", {}, Words))).value.words

try:
    settings = read_settings()
except UnreadableSettings as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit()
schema = json.dumps(create_app(settings).openapi())
try:
    GeneratedInput(provider="nobody")
except ValidationError as error:
    unknown = error.errors()[0]["msg"]
print(json.dumps({
    "documented": '"acme"' in schema,
    "unknown": unknown,
    "missing": missing("locked", settings),
    "written": asyncio.run(write(settings)),
}))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the package installed in it."""
    (tmp_path / "acme_provider.py").write_text(MODULE)
    _announce(tmp_path, "acme-provider", "acme = acme_provider:ACME\nlocked = acme_provider:LOCKED\n")
    return tmp_path


def _announce(folder: Path, name: str, points: str) -> None:
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[headrace.providers]\n{points}")


def ask(package: Path, provider: str) -> dict[str, object]:
    environment = {"PYTHONPATH": str(package), "HEADRACE_PROVIDER": provider, "HEADRACE_RATES": "acme/*=60rpm"}
    done = subprocess.run(  # noqa: S603  # this interpreter
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True, timeout=100
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_a_provider_of_a_package_is_found_documented_and_opened(package: Path) -> None:
    found = ask(package, "acme")
    assert found["documented"] is True
    assert found["written"] == "by acme"
    assert found["missing"] == "ACME_KEY is not set"
    assert "there is no provider 'nobody' here; there are acme, gemini, local, locked, offline, openai" in str(
        found["unknown"]
    )


def test_a_deployment_s_provider_that_no_package_brings_is_refused_by_name(package: Path) -> None:
    refused = str(ask(package, "nobody")["refused"])
    assert refused.startswith("HEADRACE_PROVIDER: there is no provider 'nobody' here; there are acme")


def test_two_packages_with_a_provider_of_one_name_are_refused(package: Path) -> None:
    _announce(package, "another-provider", "acme = acme_provider:LOCKED\n")
    refused = str(ask(package, "acme")["refused"])
    assert refused.startswith("HEADRACE_PROVIDER: two providers are named 'acme'")
    assert "uninstall one" in refused
