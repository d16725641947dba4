"""The unmodified gcloud, set up to talk to the double: a configuration of its own, the double as its proxy."""

import datetime as dt
import json
import os
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cloudrun.double import GRPC_HOST, CloudRun
from tests.support.ports import free_port
from tests.support.processes import Process

APIS = ["run", "secretmanager", "artifactregistry", "serviceusage", "cloudresourcemanager", "logging"]


def _private_key() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key, pem


class Gcloud:
    """`folder` holds its configuration, a service account made for the occasion, and a certificate."""

    def __init__(self, cloud: CloudRun, folder: Path) -> None:
        self._cloud = cloud
        self._folder = folder
        self._bridge: Process | None = None
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CLOUDSDK_", "HEADRACE_"))},
            "CLOUDSDK_CONFIG": str(folder / "config"),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
            # Other addresses alone would not do: gcloud puts the region before the host. A proxy needs no names.
            "CLOUDSDK_PROXY_TYPE": "http",
            "CLOUDSDK_PROXY_ADDRESS": "127.0.0.1",
            "CLOUDSDK_PROXY_PORT": str(cloud.port),
            "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(folder / "certificate.pem"),
            **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}": f"http://{api}.loopback/" for api in APIS},
        }

    def log_in(self) -> None:
        """As a service account whose tokens the double gives out."""
        key_file = self._folder / "account.json"
        key_file.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "project_id": "loopback",
                    "private_key_id": "1",
                    "private_key": _private_key()[1].decode(),
                    "client_email": "deployer@loopback.iam.gserviceaccount.com",
                    "client_id": "1",
                    "token_uri": "http://oauth.loopback/token",
                }
            )
        )
        self._certify()
        self.run("auth", "activate-service-account", f"--key-file={key_file}")

    def run(self, *arguments: str) -> str:
        command = ["gcloud", *arguments]
        done = subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_bridge(self) -> None:
        """The gRPC server for worker pools, run by the Python that gcloud brings along."""
        if self._bridge is not None:
            return
        root, python = self.run("info", "--format=value(installation.sdk_root,basic.python_location)").split()
        port = free_port()
        files = [str(self._folder / "certificate.pem"), str(self._folder / "key.pem")]
        self._bridge = Process(
            [python, str(Path(__file__).parent / "grpc_bridge.py"), root, str(port), *files, self._url],
            environment={"PATH": os.environ["PATH"]},
            log=self._folder / "bridge.log",
        )
        self._cloud.grpc_port = port

    def bridge_is_up(self) -> bool:
        assert self._bridge is not None
        assert self._bridge.exit_code is None, (self._folder / "bridge.log").read_text()
        return "ready" in self._bridge.output()

    def close(self) -> None:
        if self._bridge is not None:
            self._bridge.end()

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._cloud.port}"

    def _certify(self) -> None:
        key, pem = _private_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, GRPC_HOST)])
        today = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - dt.timedelta(days=1))
            .not_valid_after(today + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(GRPC_HOST)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        (self._folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (self._folder / "key.pem").write_bytes(pem)
