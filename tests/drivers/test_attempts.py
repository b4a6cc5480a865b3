"""What is made of the log of attempts, and of everything that can happen to a log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.config.load import loads
from canaryctl.core.errors import ConfigError, HostError
from canaryctl.core.sequential.batch import Attempts
from canaryctl.drivers.attempt_lines import UncountableError, counted
from canaryctl.drivers.attempts import NginxAttempts
from canaryctl.drivers.docker_host import DockerHost
from canaryctl.drivers.docker_tail import parse_tail, tail_command
from canaryctl.drivers.local_host import LocalHost
from canaryctl.ports import MOST_TAILED, Counting, Host, Tail
from canaryctl.wiring import Build
from tests.fakes import FakeHost
from tests.small_image import tar, with_libraries

LOG = "/var/log/nginx/canaryctl-attempts.log"
C, S, CS, FAILED = "1 c 200\n", "10 s 200\n", "1 cs 502, 200\n", "1 c 504\n"


# --- lines --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", (0, 0, 0, 0)),
        (C, (1, 0, 0, 0)),
        (S, (0, 0, 10, 0)),
        (CS, (1, 1, 1, 0)),
        (FAILED, (1, 1, 0, 0)),
        (C * 7 + S * 3 + CS * 2, (9, 2, 32, 0)),
        ("1 sc 504, 502\n", (1, 1, 1, 1)),
        ("1 ccs 502, 504, 200\n", (2, 2, 1, 0)),
        ("1 cc 502, 200\n", (2, 1, 0, 0)),
        ("1 c 500\n1 c 503\n1 c 404\n1 c 101\n", (4, 0, 0, 0)),
        # The client went away: an attempt, and nobody knows what its answer would have been.
        ("1 c -\n1 cs 502, -\n", (2, 1, 1, 0)),
        # No server was left: no attempt at one.
        ("1 - 502\n1 cc- 502, 502, 502\n", (2, 2, 0, 0)),
        # Another location by an internal redirect.
        ("1 cs 502, 200 : 200\n", (1, 1, 1, 0)),
        # More attempts than NGINX was told to tell apart: the first ones count.
        ("1 cccccccc " + ", ".join(["502"] * 9) + ", 200\n", (8, 8, 0, 0)),
    ],
)
def test_lines_are_added_up(lines: str, expected: tuple[int, int, int, int]) -> None:
    assert counted(lines.encode()) == Attempts(*expected)


@pytest.mark.parametrize(
    "line",
    [
        '{"time":"2026-01-01T00:00:00+00:00","id":"x"}',
        "2 c 200",
        "1 c",
        "1  200",
        "1 x 200",
        "1 c 200 GET /",
        "-1 c 200",
        "1 c 2000",
        "",
        "\0",
    ],
)
def test_a_foreign_line_makes_the_whole_uncountable(line: str) -> None:
    with pytest.raises(UncountableError, match="is no line of the log"):
        counted(f"{C}{line}\n{C}".encode())


def test_an_attempt_of_neither_version_makes_the_whole_uncountable() -> None:
    with pytest.raises(UncountableError, match="20 went to addresses of neither"):
        counted(f"{C}10 ? 200\n10 ? 200\n".encode())


# --- a log that grows ---------------------------------------------------------------------


def fake(text: str = "") -> tuple[FakeHost, Counting]:
    host = FakeHost(files={LOG: text})
    return host, NginxAttempts(host, LOG)


def test_the_first_call_fixes_the_position() -> None:
    host, counting = fake(C * 5)
    assert counting.read() is None
    assert counting.read() == Attempts(0, 0, 0, 0)
    host.files[LOG] += C + S
    assert counting.read() == Attempts(1, 0, 10, 0)
    assert counting.read() == Attempts(0, 0, 0, 0)


def test_an_empty_log_is_a_position_too() -> None:
    host, counting = fake()
    assert counting.read() is None
    host.files[LOG] = CS
    assert counting.read() == Attempts(1, 1, 1, 0)


def test_half_a_line_is_read_with_its_other_half() -> None:
    for whole, half in (("", "1 c"), (S, "1 c"), (S, "1 c 50")):
        host, counting = fake(whole)
        counting.read()
        host.files[LOG] += half
        assert counting.read() == Attempts(0, 0, 0, 0)
        host.files[LOG] += "502\n"[len(half.partition("c ")[2]) :] if "c " in half else " 502\n"
        assert counting.read() == Attempts(1, 1, 0, 0)


def test_half_a_line_at_the_start_is_read_with_its_other_half() -> None:
    for whole in ("", S):
        host, counting = fake(f"{whole}1 c 5")
        assert counting.read() is None
        host.files[LOG] += "02\n"
        assert counting.read() == Attempts(1, 1, 0, 0)


@given(st.lists(st.sampled_from([C, S, CS, FAILED]), max_size=12), st.data())
def test_wherever_the_reads_fall_the_sum_is_the_same(lines: list[str], data: st.DataObject) -> None:
    host, counting = fake(S)
    text = "".join(lines)
    assert counting.read() is None
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=5).map(sorted))
    total = [0.0] * 4
    for cut in (*cuts, len(text)):
        host.files[LOG] = S + text[:cut]
        seen = counting.read()
        assert seen is not None
        parts = (seen.canary, seen.canary_failed, seen.stable, seen.stable_failed)
        total = [a + b for a, b in zip(total, parts, strict=True)]
    assert Attempts(*total) == counted(text.encode())


def test_more_at_once_than_can_be_read_is_unknown_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host, counting = fake(C)
    counting.read()
    host.files[LOG] += S * (MOST_TAILED // len(S) + 2)
    assert counting.read() is None
    assert "grew by 2,000,0" in caplog.text
    host.files[LOG] += C
    assert counting.read() == Attempts(1, 0, 0, 0)


def test_a_long_log_at_the_start_is_no_gap(caplog: pytest.LogCaptureFixture) -> None:
    host, counting = fake(S * (MOST_TAILED // len(S) + 2))
    assert counting.read() is None
    host.files[LOG] += CS
    assert counting.read() == Attempts(1, 1, 1, 0)
    assert caplog.text == ""


def test_a_failing_host_loses_nothing_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    host, counting = fake(C)
    counting.read()
    host.unreachable = "no engine"
    host.files[LOG] += C
    assert [counting.read() for _ in range(3)] == [None] * 3
    assert caplog.text.count("attempts are not counted: no engine") == 1
    host.unreachable = ""
    host.files[LOG] += C
    assert counting.read() == Attempts(2, 0, 0, 0)
    host.unreachable = "no engine"
    counting.read()
    assert caplog.text.count("attempts are not counted: no engine") == 2


def test_no_log_is_unknown_and_said_and_a_new_one_begins_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host, counting = fake(C)
    counting.read()
    content = host.files.pop(LOG)
    assert [counting.read() for _ in range(2)] == [None] * 2
    assert caplog.text.count(f"{LOG} is not there") == 1
    host.files[LOG] = content + C
    assert counting.read() is None
    host.files[LOG] += C
    assert counting.read() == Attempts(1, 0, 0, 0)


def test_another_log_is_unknown_until_it_is_the_right_one(caplog: pytest.LogCaptureFixture) -> None:
    host, counting = fake()
    counting.read()
    for _ in range(2):
        host.files[LOG] += '{"time":"…"}\n'
        assert counting.read() is None
    assert caplog.text.count("is no line of the log of attempts") == 1
    host.files[LOG] += C
    assert counting.read() == Attempts(1, 0, 0, 0)


# --- on a real file system ----------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "attempts.log"
    path.write_text(C * 20)
    return path


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@pytest.fixture
def reader(log: Path, caplog: pytest.LogCaptureFixture) -> Counting:
    caplog.set_level(logging.INFO)
    counting = NginxAttempts(LocalHost(), str(log))
    assert counting.read() is None
    append(log, CS)
    assert counting.read() == Attempts(1, 1, 1, 0)
    return counting


@pytest.mark.parametrize("begins", ["", C * 3, C * 100, C * 20 + CS + C * 30])
def test_a_rotation_is_unknown_however_the_new_file_begins(
    log: Path, reader: Counting, begins: str, caplog: pytest.LogCaptureFixture
) -> None:
    append(log, C)
    log.rename(log.with_suffix(".1"))
    log.write_text(begins)
    assert reader.read() is None
    assert "was rotated or truncated" in caplog.text
    append(log, C * 2)
    assert reader.read() == Attempts(2, 0, 0, 0)


def test_a_moment_without_the_file_is_unknown(log: Path, reader: Counting) -> None:
    log.rename(log.with_suffix(".1"))
    assert reader.read() is None
    log.write_text(C)
    assert reader.read() is None
    append(log, C)
    assert reader.read() == Attempts(1, 0, 0, 0)


@pytest.mark.parametrize("grown", ["", C, S * 100])
def test_a_truncation_is_unknown(
    log: Path, reader: Counting, grown: str, caplog: pytest.LogCaptureFixture
) -> None:
    os.truncate(log, 0)
    append(log, grown)
    assert reader.read() is None
    assert "was rotated or truncated" in caplog.text
    append(log, C + CS)
    assert reader.read() == Attempts(2, 1, 1, 0)


def test_a_position_amid_a_line_is_fixed_anew(log: Path, reader: Counting) -> None:
    os.truncate(log, 0)
    append(log, "1 c")
    assert reader.read() is None
    append(log, f" 200\n{C}")
    assert reader.read() is None
    append(log, CS)
    assert reader.read() == Attempts(1, 1, 1, 0)


def test_what_is_no_regular_file_is_said_and_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/null")):
        caplog.clear()
        assert NginxAttempts(LocalHost(), str(path)).read() is None
        assert "no regular file" in caplog.text


def test_a_path_that_may_not_be_read_is_a_host_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(HostError, match="cannot read") as caught:
        LocalHost().tail(str(tmp_path / "loop"), 0)
    assert "NGINX's logs" in caught.value.next_step


# --- in a container -----------------------------------------------------------------------


def test_the_script_is_the_same_for_every_value() -> None:
    nasty = "$(touch hacked) \"'`"
    one, other = tail_command("/a.log", 0, 5), tail_command(nasty, 10**12, 6)
    assert one[:4] == other[:4]
    assert other[4:] == [nasty, "1000000000001", "6"]
    with pytest.raises(HostError, match="NUL"):
        tail_command("a\0b", 0, 1)


@pytest.mark.parametrize("output", [b"", b"sh: oops\n", b"1:2\n", b"1:2 x\n", "1:2 ²\n".encode()])
def test_other_output_is_no_tail(output: bytes) -> None:
    assert parse_tail(output, 0) is None


def test_what_was_written_after_the_size_was_asked_for_is_left_for_later() -> None:
    assert parse_tail(b"1:2 5\ncdefg", 2) == Tail("1:2", 5, b"cde")
    assert parse_tail(b"1:2 5\n", 9) == Tail("1:2", 5, b"")


@pytest.fixture
def idle(base_image: str, run_container: Any, docker_url: str) -> Iterator[tuple[Any, Host]]:
    container = run_container(base_image, ["sleep", "600"])
    host = DockerHost(container.name, docker_host=docker_url)
    yield container, host
    host.close()


@pytest.mark.docker
def test_what_a_container_cannot_tell_is_a_host_error(idle: tuple[Any, DockerHost]) -> None:
    container, host = idle
    with pytest.raises(HostError, match="no regular file"):
        host.tail("/etc", 0)
    # busybox' own shell finds stat in itself, so another one takes its place.
    assert container.put_archive("/", tar(with_libraries("sh", "bin/sh")).getvalue())
    assert host.tail("/etc/passwd", 5) is not None
    assert container.exec_run(["/bin/busybox", "rm", "/bin/stat"]).exit_code == 0
    with pytest.raises(HostError, match="has no 'stat'") as caught:
        host.tail("/etc/passwd", 0)
    assert "tail and head" in caught.value.next_step
    container.kill()
    assert NginxAttempts(host, "/etc/passwd").read() is None


# --- from canary.yaml ---------------------------------------------------------------------

YAML = """\
service: shop
versions:
  stable: {address: "127.0.0.1:8000"}
  canary: {address: "127.0.0.1:8001"}
gateway:
  driver: local
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
"""


def test_attempts_are_counted_where_the_configuration_says_so(tmp_path: Path) -> None:
    assert Build(loads(YAML), tmp_path).attempts is None
    build = Build(loads(f"{YAML}  attempts: {LOG}\n"), tmp_path)
    assert build.attempts == NginxAttempts(build.host, LOG)
    assert build.attempts is build.attempts  # it keeps its position
    with pytest.raises(ConfigError, match=r"attempts"):
        loads(f"{YAML}  attempts: relative.log\n")
