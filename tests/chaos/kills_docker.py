"""``kill -9`` of the orchestrator at any moment, where NGINX is a container.

python -m tests.chaos.kills_docker --n 20 --seed 1
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos import docker_site
from tests.chaos.docker_site import DockerSite
from tests.chaos.figures import tell
from tests.chaos.kills import Kills, clients, ended_load, tell_all
from tests.chaos.own_engine import Engine, missing
from tests.chaos.world import world


def main(argv: list[str]) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kills_docker", description=__doc__)
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    if why := missing():
        tell(f"left out: {why}")
        return 0
    # Engines of one machine may have one id, and locks are named by it and the container's name.
    docker_site.NAME = f"chaos-kills-{os.getpid()}"
    tell(f"{given.n} kills, NGINX in a container, seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="cd-", ignore_cleanup_errors=True) as folder:
        base = Path(folder) / "w"
        engine = Engine(Path(folder) / "e")
        for made in (base, engine.base):
            made.mkdir()
        Path(folder).chmod(0o755)
        try:
            engine.start()
            with world(base, rate=50, site=DockerSite(base, engine=engine)) as w:
                kills = Kills(w, random.Random(given.seed))  # noqa: S311
                kills.run(given.n)
                return int(tell_all(kills, clients([ended_load(w)])) > 0)
        finally:
            engine.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
