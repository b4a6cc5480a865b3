"""What only an NGINX on this machine has: its process, its files' modes, its clock."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from canaryctl.core.errors import ConfigError, HostError
from canaryctl.drivers.local_host import LocalHost
from canaryctl.ports import Reload, Remove, Run, Step, Swap, Write
from tests.drivers.real_nginx import answer, answers_with, server

MAIN = "pid nginx.pid;\nevents {}\nhttp { access_log off; include conf.d/*.conf; }\n"


@dataclass(frozen=True)
class Running:
    host: LocalHost
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@pytest.fixture
def running(nginx_binary: Path, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Running]:
    port = free_port()
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "nginx.conf").write_text(MAIN)
    (tmp_path / "conf.d/a.conf").write_text(server(port, "first"))
    host = LocalHost(
        binary=str(nginx_binary),
        prefix=str(tmp_path),
        main=str(tmp_path / "nginx.conf"),
        pid_file=str(tmp_path / "nginx.pid"),
    )
    command = [str(nginx_binary), "-p", str(tmp_path), "-c", str(host.main), "-g", "daemon off;"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            found = Running(host, tmp_path, port)
            assert answers_with(found.url, "first")
            yield found
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.mark.parametrize("by_pid_file", [True, False])
def test_a_reload_makes_nginx_answer_the_new_configuration(
    running: Running, by_pid_file: bool
) -> None:
    host = running.host if by_pid_file else replace(running.host, pid_file=None)
    staged, live = running.folder / "conf.d/a.staged", running.folder / "conf.d/a.conf"
    steps: list[Step] = [
        Write(str(staged), server(running.port, "second")),
        Run(("-t",)),
        Swap(str(staged), str(live)),
        Reload(),
    ]
    assert host.perform(steps).completed == 4
    assert answers_with(running.url, "second")


def test_without_a_reload_nothing_changes(running: Running) -> None:
    live = running.folder / "conf.d/a.conf"
    running.host.perform([Write(str(live), server(running.port, "second")), Run(("-t",))])
    assert answer(running.url) == "first"


def test_the_configured_main_file_is_tested_unless_the_step_names_one(running: Running) -> None:
    good, bad = running.folder / "good.conf", running.folder / "bad.conf"
    good.write_text("events {}\n")
    bad.write_text("nonsense;\n")
    host = replace(running.host, main=str(bad))
    assert host.perform([Run(("-t",))]).completed == 0
    assert host.perform([Run(("-t", "-c", str(good)))]).completed == 1


def test_staged_files_can_be_read_by_nginx_workers(tmp_path: Path) -> None:
    path, narrow = tmp_path / "x", tmp_path / "narrow"
    narrow.touch(mode=0o600)
    before = os.umask(0o077)
    try:
        LocalHost().perform([Write(str(path), "x"), Write(str(narrow), "x")])
    finally:
        os.umask(before)
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, narrow)] == [0o644, 0o644]


def test_a_missing_folder_fails_the_step_and_names_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "no/such/x.conf")
    performed = LocalHost().perform([Write(path, "x")])
    assert performed.completed == 0
    assert performed.output == f"{path}: No such file or directory"


def test_swapping_over_a_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    staged, live = str(tmp_path / "staged"), str(tmp_path / "live")
    performed = LocalHost().perform([Write(staged, "x"), Swap(staged, live), Remove(staged)])
    assert performed.completed == 1
    assert live in performed.output
    assert Path(staged).exists()


def test_a_binary_that_is_not_there_is_a_host_error(tmp_path: Path) -> None:
    host = LocalHost(binary=str(tmp_path / "nginx"))
    with pytest.raises(HostError, match="cannot start NGINX's binary") as caught:
        host.perform([Run(("-t",))])
    assert "gateway.binary" in caught.value.next_step


def test_a_command_that_hangs_is_ended_and_is_a_failed_step() -> None:
    host = LocalHost(binary=sys.executable, timeout=0.3)
    performed = host.perform([Run(("-c", "import time; time.sleep(60)")), Reload()])
    assert performed.completed == 0
    assert "did not end within 0.3 s" in performed.output


def test_a_silent_failure_still_says_something() -> None:
    performed = LocalHost(binary=sys.executable).perform([Run(("-c", "raise SystemExit(7)"))])
    assert performed.completed == 0
    assert "ended with 7" in performed.output


@pytest.mark.parametrize(
    ("content", "says"),
    [("", "not a process id"), ("-1", "not a process id"), ("0\n", "not a process id")],
)
def test_a_pid_file_with_anything_else_signals_nobody(
    tmp_path: Path, content: str, says: str
) -> None:
    (tmp_path / "pid").write_text(content)
    performed = LocalHost(pid_file=str(tmp_path / "pid")).perform([Reload()])
    assert performed.completed == 0
    assert says in performed.output


def test_a_missing_pid_file_is_named(tmp_path: Path) -> None:
    performed = LocalHost(pid_file=str(tmp_path / "pid")).perform([Reload()])
    assert performed.completed == 0
    assert str(tmp_path / "pid") in performed.output


def test_a_stale_pid_file_does_not_kill_whoever_has_the_number_now(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "pid").write_text(str(other.pid))
        performed = LocalHost(pid_file=str(tmp_path / "pid")).perform([Reload()])
        assert performed.completed == 0
        assert f"process {other.pid}, which is not nginx" in performed.output
        other.communicate(b"\n", timeout=10)
    assert other.returncode == 0  # it ended by itself: no signal came
    performed = LocalHost(pid_file=str(tmp_path / "pid")).perform([Reload()])
    assert "does not run" in performed.output


def test_what_is_not_text_is_a_host_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(HostError, match="not UTF-8"):
        LocalHost().read(str(tmp_path / "x"))
    with pytest.raises(HostError, match="cannot read"):
        LocalHost().read(str(tmp_path))


def test_one_listening_address_of_a_name_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        by_name = LocalHost().locate(f"localhost:{port}")
        by_ip = LocalHost().locate(f"127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in by_name.peers
    assert by_name.answers is True
    assert by_ip.peers == (f"127.0.0.1:{port}",)
    assert by_ip.answers is True


def test_a_closed_port_refuses(free_port: Callable[[], int]) -> None:
    port = free_port()
    located = LocalHost().locate(f"127.0.0.1:{port}")
    assert located.peers == (f"127.0.0.1:{port}",)
    assert located.answers is False
    assert located.detail == f"127.0.0.1:{port} refuses connections"


def test_ipv6_is_written_in_brackets(free_port: Callable[[], int]) -> None:
    port = free_port()
    assert LocalHost().locate(f"[::1]:{port}").peers == (f"[::1]:{port}",)


@pytest.mark.parametrize(
    "address", ["", ":80", "app:", "app:x", "app:0", "app:65536", "::1:80", "[app]:80", "a b:1"]
)
def test_what_is_no_address_is_a_configuration_error(address: str) -> None:
    with pytest.raises(ConfigError, match="is not host:port"):
        LocalHost().locate(address)


def test_it_is_told_from_others_by_where_its_files_really_are(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    by_link = LocalHost(prefix=str(tmp_path / "link"))
    assert by_link.identity() == LocalHost(prefix=str(tmp_path / "real")).identity()
    assert by_link.identity() != LocalHost(prefix=str(tmp_path)).identity()
    assert by_link.describe() == f"nginx at {tmp_path / 'link'}"
