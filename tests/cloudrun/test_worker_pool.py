"""The worker as a worker pool, which gcloud deploys over gRPC."""

import pytest

from tests.cloudrun.project import WORKER, Project
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.cloudrun, pytest.mark.timeout(240)]


async def test_a_pool_is_deployed_upgraded_brought_back_and_kept_from_a_bad_image(project: Project) -> None:
    project.gcloud.start_bridge()
    await wait_until(project.gcloud.bridge_is_up, within=20, what="the gRPC server is up")

    def deploy(*arguments: str, tag: str = "v1") -> str:
        run = project.deploy("--only", "worker", *arguments, IMAGE_TAG=tag, WORKER_AS="auto")
        assert run.status == (1 if tag == "bad" else 0), run
        return run.said

    deploy()
    pool = project.cloud.worker_pools.pools[project.name, "headrace-worker"]
    first = pool.current
    assert len(pool.running[first]) == 1
    container = pool.body["template"]["containers"][0]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    assert "@sha256:" in container["image"]

    project.push("worker", "v2", WORKER)
    deploy(tag="v2")
    second = pool.current
    assert second != first
    assert (len(pool.running[first]), len(pool.running[second])) == (0, 1)

    deploy("--rollback")
    assert pool.current == first
    assert (len(pool.running[first]), len(pool.running[second])) == (1, 0)

    project.push("worker", "bad", "false")
    assert "the new revision did not start" in deploy(tag="bad")
    assert pool.current == first
    assert len(pool.running[first]) == 1
