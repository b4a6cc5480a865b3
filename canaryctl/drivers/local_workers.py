"""The workers of an NGINX on this machine, read from /proc."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from canaryctl.core.errors import HostError
from canaryctl.drivers.worker_process import SOCKET, Process, parse_process, the_master
from canaryctl.ports import Worker

_PROC = Path("/proc")
_TITLE_BYTES = 4096


def local_workers(pid_file: str | None, named: Collection[str], place: str) -> tuple[Worker, ...]:
    """Give the workers of one NGINX, the youngest first.

    Args:
        pid_file: of its master; None: the one master that runs here.
        named: words of the master's command line, to tell several apart.
        place: how the host is called in messages.

    Raises:
        HostError: its master does not run, or cannot be told from others; no /proc here.
    """
    try:
        uptime = float((_PROC / "uptime").read_text().split()[0])
        processes = list(_processes())
    except (OSError, ValueError, IndexError) as error:
        raise HostError(f"NGINX's workers cannot be seen here: {error}") from error
    masters = [one for one in processes if one.master]
    if pid_file is None:
        master = the_master([one for one in masters if _in_view(one.pid)], named, place)
    else:
        pid = _read_pid(pid_file)
        found = [one for one in masters if one.pid == pid]
        master = the_master(found, (), f"{place}, whose {pid_file} names process {pid}")
    shared = _sockets(master.pid) or frozenset()
    workers = [one for one in processes if one.parent == master.pid and not one.master]
    given = [one.worker(uptime, _held(one, shared)) for one in workers]
    return tuple(sorted(given, key=lambda one: (one.age, one.pid)))


def _processes() -> Iterator[Process]:
    for name in os.listdir(_PROC):  # noqa: PTH208  ten times as fast, and only names are needed
        if not name.isdigit():
            continue
        try:
            with (_PROC / name / "cmdline").open("rb") as file:
                title = file.read(_TITLE_BYTES).rstrip(b"\0").decode(errors="replace")
            if ": " not in title:
                continue
            stat = (_PROC / name / "stat").read_text(errors="replace")
        except (OSError, ValueError):  # it ended meanwhile, or is nobody's to read
            continue
        if (found := parse_process(stat, title)) is not None:
            yield found


def _read_pid(pid_file: str) -> int:
    try:
        text = Path(pid_file).read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise HostError(
            f"cannot read {pid_file}: {error.strerror}",
            next_step="check that NGINX runs, and that gateway.pid_file is its own",
        ) from error
    if not (text.isascii() and text.isdigit()):
        raise HostError(f"{pid_file} holds {text[:60]!r}, not a process id")
    return int(text)


def _in_view(pid: int) -> bool:
    """Leave out what runs in containers: their processes are this machine's too."""
    try:
        return (_PROC / str(pid) / "ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
    except OSError:
        return True


def _held(process: Process, shared: Collection[str]) -> int | None:
    if not process.old or not shared:
        return None
    sockets = _sockets(process.pid)
    return None if sockets is None else len(sockets - set(shared))


def _sockets(pid: int) -> frozenset[str] | None:
    """Give the inodes of its sockets; None when it ended, or may not be looked into."""
    folder = f"/proc/{pid}/fd"
    found: set[str] = set()
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return None
    for name in names:
        try:
            socket = SOCKET.match(os.readlink(f"{folder}/{name}"))  # noqa: PTH115
        except FileNotFoundError:  # closed meanwhile
            continue
        except OSError:
            return None
        if socket is not None:
            found.add(socket.group(1))
    return frozenset(found)
