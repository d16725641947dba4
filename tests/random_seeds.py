"""The Hypothesis tests again and again, each time with a fresh seed: `python -m tests.random_seeds --minutes 3`."""

import argparse
import secrets
import subprocess
import sys
import time

RUN = [sys.executable, "-m", "pytest", "-q", "-m", "hypothesis", "--hypothesis-profile", "random", "-n", "2"]


def main() -> None:
    """Ends with the first seed that fails, and with an error then. A run that has begun is finished."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=3, help="no run begins after that")
    end = time.monotonic() + 60 * options.parse_args().minutes
    seeds = 0
    while time.monotonic() < end:
        seed = secrets.randbits(32)
        command = [*RUN, "--hypothesis-seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own
        if done.returncode:
            sys.exit(f"{done.stdout}{done.stderr}\nAgain: .venv/bin/pytest {' '.join(command[3:])}")
        seeds += 1
        sys.stdout.write(f"seed {seed}: {done.stdout.splitlines()[-1].strip('= ')}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{seeds} seeds passed\n")


if __name__ == "__main__":
    main()
