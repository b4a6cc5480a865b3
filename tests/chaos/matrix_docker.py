"""The fault matrix where NGINX is a container, with a Docker Engine of our own.

python -m tests.chaos.matrix_docker [--only FAULT] [--phase PHASE] [--n CELLS] [--seed N]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos import docker_site
from tests.chaos.docker_site import DockerSite
from tests.chaos.faults.docker import FAULTS
from tests.chaos.matrix import arguments, chosen, say, tell
from tests.chaos.matrix_cell import Result, tried
from tests.chaos.matrix_table import table
from tests.chaos.own_engine import Engine, missing
from tests.chaos.world import world


def main(argv: Sequence[str] | None = None) -> int:
    """Run it."""
    given = arguments(sys.argv[1:] if argv is None else argv, "tests.chaos.matrix_docker")
    if why := missing():
        say(f"left out: {why}")
        return 0
    # Engines of one machine may have one id, and locks are named by it and the container's name.
    docker_site.NAME = f"chaos-matrix-{os.getpid()}"
    cells = chosen(FAULTS, given)
    say(f"{len(cells)} cells with NGINX in a container, seed {given.seed}")
    began = time.monotonic()
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="cd-", ignore_cleanup_errors=True) as folder:
        engine = Engine(Path(folder) / "e")
        engine.base.mkdir()
        base = Path(folder) / "w"
        base.mkdir()
        Path(folder).chmod(0o755)
        try:
            engine.start()
            with world(base, site=DockerSite(base, engine=engine)) as here:
                for fault, phase in cells:
                    results.append(tried(here, fault, phase, given.seed))
                    tell(len(results), len(cells), results[-1])
        finally:
            engine.close()
    say(table(results, time.monotonic() - began))
    return int(any(one.wrong for one in results) or len(results) < len(cells))


if __name__ == "__main__":
    sys.exit(main())
