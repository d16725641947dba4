"""A Google Cloud project on the double that is ready to be deployed to, as docs/deployment.md asks for it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli.embedded_redis import EmbeddedRedis
from tests.cloudrun.containers import ROOT
from tests.cloudrun.double import CloudRun
from tests.cloudrun.gcloud import Gcloud
from tests.cloudrun.services import Service
from tests.cloudrun.wire import REGION
from tests.support.ports import free_port

APIS = {"run.googleapis.com", "secretmanager.googleapis.com", "artifactregistry.googleapis.com"}
# The commands of Dockerfile.api and Dockerfile.worker.
API = 'uvicorn api.app:create_app --factory --port "$PORT"'
WORKER = "celery -A tasks worker --without-gossip --without-mingle"
TOKEN = "token-of-the-clients"  # noqa: S105  # of the double


@dataclass(frozen=True)
class Run:
    """What a script did."""

    status: int
    out: str
    said: str
    """Its standard error."""

    def __str__(self) -> str:
        return f"exit status {self.status}\n{self.out}\n{self.said}"


class Project:
    def __init__(self, cloud: CloudRun, gcloud: Gcloud, name: str, folder: Path) -> None:
        self.cloud = cloud
        self.gcloud = gcloud
        self.name = name
        self.folder = folder
        self.redis = EmbeddedRedis(folder / "redis", port=free_port())
        self.settings = {
            "PROJECT_ID": name,
            "REGION": REGION,
            "IMAGE_TAG": "v1",
            "FILES_URL": "gs://loopback-project-files",
            "API_TOKEN_SECRET": "headrace-api-token",
            "WORKER_AS": "service",
            "NETWORK": "default",
            "SUBNET": "default",
            # There is no bucket here: the parts share a folder instead.
            "EXTRA_ENV": f"HEADRACE_PROVIDER=offline HEADRACE_FILES_URL=file://{folder / 'files'}",
            "HEALTH_TIMEOUT": "20",
            "DRAIN_MAX_RUNTIME": "30",
            "DRAIN_EMPTY_QUEUE_TIMEOUT": "2",
            "DEPLOY_ENV": str(folder / "deploy.env"),
        }
        cloud.projects[name] = set(APIS)
        cloud.secrets.add(name, "headrace-redis-url", self.redis.url)
        cloud.secrets.add(name, "headrace-flower-auth", "operator:open-sesame")
        cloud.secrets.add(name, "headrace-api-token", TOKEN)
        self.push("api", "v1", API)
        self.push("worker", "v1", WORKER)

    def push(self, image: str, tag: str, command: str) -> str:
        """Returns the image by digest."""
        path = f"{REGION}-docker.pkg.dev/{self.name}/headrace/{image}"
        return f"{path}@{self.cloud.registry.push(f'{path}:{tag}', command)}"

    def deploy(self, *arguments: str, **settings: str) -> Run:
        return self._run("./deploy.sh", *arguments, **self.settings | settings)

    def check(self, *arguments: str, **settings: str) -> Run:
        """Runs test_deployment.sh."""
        return self._run("./test_deployment.sh", *arguments, **settings)

    def service(self, name: str) -> Service:
        return self.cloud.services.get(self.name, f"headrace-{name}")

    def image(self, name: str) -> str:
        return self.service(name).body["spec"]["template"]["spec"]["containers"][0]["image"]

    def identity_token(self, url: str) -> str:
        return self.gcloud.run("auth", "print-identity-token", f"--audiences={url}").strip()

    def client(self, url: str) -> httpx.Client:
        """A client of the API: let in by Cloud Run, and by the API itself."""
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "X-Serverless-Authorization": f"Bearer {self.identity_token(url)}",
        }
        return httpx.Client(base_url=url, headers=headers, timeout=10)

    def get(self, url: str) -> int:
        """The status for a stranger."""
        return httpx.get(url, timeout=10).status_code

    def logs(self) -> str:
        return self.cloud.logs.text(self.name)

    def _run(self, script: str, *arguments: str, **settings: str) -> Run:
        done = subprocess.run(  # noqa: S603  # our own scripts
            [script, *arguments],
            cwd=ROOT,
            env={**self.gcloud.environment, **settings},
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
        )
        return Run(done.returncode, done.stdout, done.stderr)
