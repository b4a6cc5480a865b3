"""An engine behind ssh:// — a real sshd, a key made for the test that can do nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_connect import connect
from canaryctl.drivers.docker_host import DockerHost
from tests.drivers.real_nginx import listens

pytestmark = pytest.mark.docker
_SSHD = "/usr/sbin/sshd"
_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True)
class Ssh:
    """A server's URL, and where it writes."""

    url: str
    log: Path


def _key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, timeout=30)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def sshd(
    folder: Path, free_port: Callable[[], int], docker_engine: Any, docker_url: str
) -> Iterator[Ssh]:
    """Serve on loopback; its host key is known, and only the one command is allowed."""
    assert docker_engine.ping()
    docker = shutil.which("docker")
    if not (Path(_SSHD).exists() and shutil.which("ssh") and docker):
        pytest.skip("needs sshd, ssh and docker")
    port, host_key, key = free_port(), _key(folder / "host"), _key(folder / "client")
    public = key.with_suffix(".pub").read_text()
    allowed = folder / "authorized_keys"
    allowed.write_text(f'restrict,command="{docker} system dial-stdio" {public}')
    allowed.chmod(0o600)
    known = host_key.with_suffix(".pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {known[0]} {known[1]}\n")
    log = folder / "sshd.log"
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\n"
        f"AuthorizedKeysFile {allowed}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
        f"SetEnv DOCKER_HOST={docker_url}\n"
    )
    made = os.geteuid() == 0 and not _SEPARATION.exists()
    if made:
        _SEPARATION.mkdir(mode=0o755)
    argv = [_SSHD, "-D", "-f", str(folder / "sshd_config"), "-E", str(log)]
    running = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        assert listens("127.0.0.1", port), log.read_text()
        yield Ssh(f"ssh://{getuser()}@127.0.0.1:{port}", log)
    finally:
        running.terminate()
        running.wait(10)
        if made:
            with suppress(OSError):
                _SEPARATION.rmdir()


@pytest.fixture
def configured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ``ssh`` on the PATH that reads our settings, and none of this machine's user."""
    programs = folder / "bin"
    programs.mkdir()
    settings = folder / "ssh_config"
    settings.write_text(
        f"Host *\n  IdentityFile {folder}/client\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n  BatchMode yes\n"
    )
    script = programs / "ssh"
    script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {settings} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return folder


def test_an_engine_is_reached_and_a_container_read(
    sshd: Ssh, configured: Path, base_image: str, run_container: Any
) -> None:
    assert configured.is_dir()
    container = run_container(base_image, ["sleep", "600"])
    host = DockerHost(container.name, docker_host=sshd.url)
    assert "worker_processes" in str(host.read("/etc/nginx/nginx.conf"))
    tail = host.tail("/etc/nginx/nginx.conf", 0)
    assert tail is not None
    assert tail.size > 0
    host.close()


def test_an_engine_that_hangs_is_given_up_and_leaves_no_process(
    configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = configured / "pid"
    script = configured / "bin" / "ssh"
    script.write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 60\n")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with pytest.raises(HostError, match=r"(?i)timed out"):
        connect("ssh://somewhere.example", timeout=1)
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()


@pytest.mark.parametrize("url", ["ssh://", "ssh://ops:hunter2hunter2@somewhere.example"])
def test_a_url_that_ssh_cannot_use_is_refused(url: str) -> None:
    with pytest.raises(HostError, match=r"names no host|give ssh a key") as caught:
        connect(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("broken", ["unknown host", "no key", "nobody there"])
def test_what_ssh_refuses_is_one_message_in_time(sshd: Ssh, configured: Path, broken: str) -> None:
    url = sshd.url
    match broken:
        case "unknown host":
            (configured / "known_hosts").write_text("")
        case "no key":
            (configured / "authorized_keys").write_text("")
        case _:
            url = url.rpartition(":")[0] + ":1"
    began = time.monotonic()
    with pytest.raises(HostError, match="no Docker Engine answers at ssh://") as caught:
        connect(url, timeout=5)
    assert time.monotonic() - began < 30
    said = {
        "unknown host": "Host key verification failed",
        "no key": "Permission denied",
        "nobody there": "Connection refused",
    }
    assert said[broken] in str(caught.value)
    assert "docker ps" in caught.value.next_step
