"""A machine for the pages: a Docker Engine in a network of its own.

Pages say ``127.0.0.1:8080`` and mean it. Here every port is free, so their commands and Compose
files run as they stand, beside whatever else this machine does. The engine, its containers and its
mounts are gone with its first process, which ends with this one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from canaryctl.demo.docker_stack import IMAGES
from canaryctl.resources import shipped
from tests.e2e.harness import eventually

UP_WITHIN = 60.0
IMAGES_WITHIN = 600.0
# As the first process of a namespace of process ids: what it leaves is ended with it. It has a /run
# of its own, with the engine's socket where Compose files look for it.
_START = 'ip link set lo up && mount -t tmpfs tmpfs /run && exec dockerd "$@"'
_USUAL = "unix:///run/docker.sock"


def missing() -> str:
    """Say why there can be no such machine here; empty: there can."""
    if os.geteuid() != 0:
        return "an engine in a network of its own needs root"
    lacking = [
        name
        for name in ("dockerd", "unshare", "setpriv", "nsenter", "ip", "curl")
        if not shutil.which(name)
    ]
    return f"no {', '.join(lacking)} on PATH" if lacking else ""


class Place:
    """The machine, as long as the ``with`` block lasts.

    Args:
        base: an empty folder with a short path: sockets' paths are bounded.
        engine: where the engine is that has the images already.

    Attributes:
        env: what commands on it find in their environment.
    """

    def __init__(self, base: Path, engine: str) -> None:
        self.base = base
        self.url = f"unix://{base}/docker.sock"
        self.env: dict[str, str] = {}
        self._engine = engine
        self._pool = ThreadPoolExecutor(1)
        self._loading: Future[None] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it; it is given the demo's images meanwhile."""
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        self._loading = self._pool.submit(self._load)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it with everything in it."""
        self._pool.shutdown()
        self._end()

    def has_images(self) -> None:
        """Wait until it has the demo's images."""
        assert self._loading is not None
        self._loading.result(IMAGES_WITHIN)

    def inside(self, *argv: str) -> list[str]:
        """Give a command that runs in its network."""
        assert self._process is not None
        return ["nsenter", f"--net=/proc/{self._process.pid}/ns/net", "--", *argv]

    def answers(self, url: str) -> bool:
        """Tell whether this answers below 400, asked from inside."""
        asked = self.inside("curl", "--silent", "--fail", "--max-time", "2", url)
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    def run(self, folder: Path, *argv: str, within: float = 120.0, outside: bool = False) -> str:
        """Run a command in a folder; gives what it printed, when it succeeds.

        Args:
            folder: where.
            argv: the command.
            within: seconds.
            outside: on this machine's own network, where packages can be had.
        """
        done = subprocess.run(
            argv if outside else self.inside(*argv),
            cwd=folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"
        return done.stdout

    def docker(self, *argv: str, within: float = 60.0) -> str:
        """Run ``docker`` against it; what it printed when it succeeds."""
        command = ["docker", "--host", self.url, *argv]
        done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def _start(self) -> None:
        base = self.base
        # The last word on it: `setpriv` ends it also when this process is killed.
        own = ["setpriv", "--pdeathsig", "KILL"]
        own += ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        engine = ["--data-root", f"{base}/data", "--exec-root", f"{base}/exec"]
        engine += ["--pidfile", f"{base}/docker.pid", "--host", self.url, "--host", _USUAL]
        with (base / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*own, "sh", "-c", _START, "sh", *engine],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._is_up, f"dockerd answers (see {base}/dockerd.log)", UP_WITHIN)

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.base / "dockerd.log").read_text()[-2000:]
        asked = ["docker", "--host", self.url, "version"]
        return subprocess.run(asked, capture_output=True, timeout=20, check=False).returncode == 0

    def _load(self) -> None:
        there = {**os.environ, "DOCKER_HOST": self._engine}
        build = [sys.executable, str(shipped("compose/build-images"))]
        subprocess.run(build, env=there, timeout=IMAGES_WITHIN, check=True, capture_output=True)
        self.copy(IMAGES)

    def copy(self, images: Sequence[str]) -> None:
        """Bring images over from the engine that has them."""
        save = ["docker", "--host", self._engine, "save", *images]
        load = ["docker", "--host", self.url, "load", "--quiet"]
        with subprocess.Popen(save, stdout=subprocess.PIPE) as saving:
            subprocess.run(
                load, stdin=saving.stdout, timeout=UP_WITHIN, check=True, capture_output=True
            )
        assert saving.returncode == 0, f"{' '.join(save)} ended with {saving.returncode}"

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        # Ends its child, the first process inside, and so the kernel ends all the others.
        process.send_signal(signal.SIGKILL)
        process.wait(UP_WITHIN)
        eventually(self._cleared, f"{self.base}/data is gone")

    def _cleared(self) -> bool:
        # What was mounted there goes a moment after the processes.
        shutil.rmtree(self.base / "data", ignore_errors=True)
        return not (self.base / "data").exists()
