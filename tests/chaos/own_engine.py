"""A Docker Engine of our own, which may be stopped, killed and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_connect import connect
from tests.chaos.running import eventually

UP_WITHIN = 90.0
DOWN_WITHIN = 30.0


def missing() -> str:
    """Say why no engine can be started here; empty: one can."""
    if os.geteuid() != 0:
        return "a Docker Engine of our own needs root"
    lacking = [name for name in ("dockerd", "containerd") if shutil.which(name) is None]
    return f"no {', '.join(lacking)} on PATH" if lacking else ""


@dataclass
class Engine:
    """One ``dockerd`` with all that it keeps below ``base``; containers outlive it.

    Their runtime is a ``containerd`` of its own beside it, as a distribution's services have it.

    Attributes:
        base: an empty folder with a short path: sockets' paths are bounded.
    """

    base: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _runtime: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.base / "docker.sock"

    @property
    def url(self) -> str:
        """The same, for DOCKER_HOST."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start it and wait until it answers; nothing happens when it runs."""
        base = self.base
        if self._runtime is None:
            (base / "containerd.toml").write_text(
                f'version = 2\nroot = "{base}/runtime"\nstate = "{base}/run"\n'
                f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                f'[grpc]\naddress = "{base}/containerd.sock"\n'
            )
            self._runtime = self._started("containerd", "--config", f"{base}/containerd.toml")
            socket = base / "containerd.sock"
            eventually(socket.exists, f"containerd listens (see {base}/containerd.log)", UP_WITHIN)
        if self.process is not None and self.process.poll() is None:
            return
        (base / "docker.pid").unlink(missing_ok=True)
        argv = ["--data-root", f"{base}/data", "--exec-root", f"{base}/exec", "--live-restore"]
        argv += ["--host", self.url, "--pidfile", f"{base}/docker.pid"]
        argv += ["--containerd", f"{base}/containerd.sock"]
        # Nothing of this machine's network is touched: containers here use the host's. A bridge of
        # its own, because a daemon that is told to have none takes another one's docker0 away.
        self._bridged()
        argv += ["--bridge", self.bridge, "--iptables=false", "--ip-forward=false"]
        self.process = self._started("dockerd", *argv)
        eventually(self._answers, f"dockerd answers (see {base}/dockerd.log)", UP_WITHIN)

    @property
    def bridge(self) -> str:
        """The name of its bridge: at most 15 characters."""
        return f"cd{zlib.crc32(str(self.base).encode()):08x}"

    def _bridged(self) -> None:
        if Path(f"/sys/class/net/{self.bridge}").exists():
            return
        number = zlib.crc32(str(self.base).encode())
        address = f"10.{200 + number % 50}.{number // 50 % 250}.1/24"
        subprocess.run(["ip", "link", "add", self.bridge, "type", "bridge"], check=True)
        subprocess.run(["ip", "addr", "add", address, "dev", self.bridge], check=True)

    def _started(self, *argv: str) -> subprocess.Popen[bytes]:
        with (self.base / f"{argv[0]}.log").open("ab") as log:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _answers(self) -> bool:
        with contextlib.suppress(HostError):
            client = connect(self.url, timeout=5)
            client.close()
            return True
        return False

    def client(self) -> Any:
        """Give the SDK's client."""
        return connect(self.url, timeout=30)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the daemon alone."""
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the daemon; its containers, and their runtime, go on."""
        if self.process is not None and self.process.poll() is None:
            self.send(number)
            self.process.wait(DOWN_WITHIN)

    def close(self) -> None:
        """End everything: containers first, for which the daemon has to run."""
        if self.process is not None:
            self.send(signal.SIGCONT)
            with contextlib.suppress(Exception):
                self.start()
                client = self.client()
                for one in client.containers.list(all=True):
                    one.remove(force=True)
                client.close()
            self.kill(signal.SIGTERM)
        if self._runtime is not None:
            self._runtime.terminate()
            self._runtime.wait(DOWN_WITHIN)
        if Path(f"/sys/class/net/{self.bridge}").exists():
            subprocess.run(["ip", "link", "delete", self.bridge], check=False)
        self._unmount()

    def _unmount(self) -> None:
        """Take away what a daemon leaves mounted below its folder."""
        mounts = Path("/proc/mounts").read_text().splitlines()
        ours = [line.split()[1] for line in mounts if line.split()[1].startswith(f"{self.base}/")]
        for path in sorted(ours, reverse=True):
            subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)
