"""A loopback Cloud Run, the gcloud of this machine in front of it, and a project that was deployed to.

`make test-deploy` runs the tests marked `cloudrun` too, which take minutes and mostly need gcloud; `make test` not.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloudrun.double import CloudRun
from tests.cloudrun.gcloud import Gcloud
from tests.cloudrun.project import Project, Run

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "cloudrun: part of `make test-deploy` only: deploys, or tries a whole deployment"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the slow ones out unless they are asked for: by a path in here, or by an expression of marks."""
    asked = config.option.markexpr or any("cloudrun" in str(argument) for argument in config.args)
    slow = [item for item in items if HERE in item.path.parents and item.get_closest_marker("cloudrun")]
    if slow and not asked:
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Ready to be deployed to. Every test's; nothing in it is taken back."""
    if shutil.which("gcloud") is None:
        pytest.fail("gcloud is not on the PATH, and these tests were asked for: install the Google Cloud CLI")
    cloud = CloudRun()
    cloud.start()
    gcloud = Gcloud(cloud, tmp_path_factory.mktemp("gcloud"))
    project = Project(cloud, gcloud, "loopback-project", tmp_path_factory.mktemp("project"))
    try:
        gcloud.log_in()
        project.redis.start()
        yield project
    finally:
        gcloud.close()
        cloud.stop()
        project.redis.stop()


@pytest.fixture(scope="session")
def first(project: Project) -> Run:
    """The first deployment of everything."""
    return project.deploy()


@pytest.fixture
def deployed(project: Project, first: Run) -> Project:
    """Everything serves: since the first deployment, or whatever other tests have deployed since."""
    assert first.status == 0, f"{first}\n{project.logs()[-3000:]}"
    return project
