"""The workers of an NGINX in a container: what ``sh`` is given, and what it printed.

Nothing in the container but ``sh`` is needed to see them, and ``ls`` to count connections. As
in ``docker_script``, every value is a positional parameter, never read as code.

Root in a container has no right to look into the processes of other users there, and NGINX's
workers are another user's. So these are looked into as that user, by a second command.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_script import NginxCommand
from canaryctl.drivers.worker_process import Process, parse_process, the_master
from canaryctl.ports import Worker

_UNKNOWN = "?"

# `read` drops NULs, stops at a line's end, and starts no process. `ls` starts one per process.
_HOLDS = """\
holds() {
  printf 'holds %s' "$1"
  ls -l "/proc/$1/fd" | while IFS= read -r line; do
    case $line in
      *'socket:['*) line=${line##*'socket:['}; printf ' %s' "${line%]}" ;;
      *' -> '* | total*) ;;
      *) printf ' ?' ;;
    esac
  done
  printf '\\n'
}
exec 2>/dev/null
"""
_SEEN = f"""\
{_HOLDS}
read -r uptime rest < /proc/uptime && printf 'uptime %s\\n' "$uptime"
read -r ours < /proc/self/cgroup
for place in /proc/[0-9]*; do
  title= stat= group= user= kin=
  {{ IFS= read -r title < "$place/cmdline"; }}
  case $title in
    *': master process'* | *': worker process'*) ;;
    *) continue ;;
  esac
  {{ IFS= read -r stat < "$place/stat" && read -r group < "$place/cgroup"; }} || continue
  near=no
  [ "$group" = "$ours" ] && near=yes
  while read -r key real effective rest; do
    case $key in
      Uid:) user=$effective ;;
      Gid:) kin=$effective ;;
    esac
  done < "$place/status"
  printf 'process %s %s:%s\\n%s\\n%s\\n' "$near" "$user" "$kin" "$stat" "$title"
  case $title in
    *': master process'* | *'shutting down'*) holds "${{place#/proc/}}" ;;
  esac
done
exit 0
"""
_AS_THEY = f"""\
{_HOLDS}
for pid; do holds "$pid"; done
exit 0
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the first command gave.

    Attributes:
        uptime: of the machine, seconds.
        workers: of this NGINX.
        users: pid → ``user:group``, numbers.
        shared: inodes of the master's sockets.
        sockets: pid → inodes of its sockets, for those that could be looked into.
    """

    uptime: float
    workers: tuple[Process, ...]
    users: Mapping[int, str]
    shared: frozenset[str]
    sockets: Mapping[int, frozenset[str]]

    @property
    def unknown(self) -> Mapping[str, tuple[int, ...]]:
        """Give the workers that have yet to be looked into: ``user:group`` → pids."""
        missing: dict[str, tuple[int, ...]] = {}
        for one in self.workers:
            user = self.users[one.pid]
            if self.shared and one.old and one.pid not in self.sockets and user != ":":
                missing[user] = (*missing.get(user, ()), one.pid)
        return missing

    def given(self, more: Mapping[int, frozenset[str]]) -> tuple[Worker, ...]:
        """Give what the port calls them, the youngest first.

        Args:
            more: pid → inodes, as ``parse_sockets`` gave them.
        """
        known = {**self.sockets, **more}
        workers = [one.worker(self.uptime, self._held(one, known)) for one in self.workers]
        return tuple(sorted(workers, key=lambda one: (one.age, one.pid)))

    def _held(self, one: Process, known: Mapping[int, frozenset[str]]) -> int | None:
        if not one.old or not self.shared or one.pid not in known:
            return None
        return len(known[one.pid] - self.shared)


def docker_workers(
    run: Callable[[list[str], str], str], nginx: NginxCommand, place: str
) -> tuple[Worker, ...]:
    """Give the workers of the NGINX in a container, the youngest first.

    Args:
        run: runs a command there as a user (empty: the container's own); gives its output.
        nginx: how it is called there, to tell several masters apart.
        place: how the host is called in messages.

    Raises:
        HostError: from ``run`` at the first command, or as ``parse_workers``.
    """
    named = [word for word in (nginx.prefix, nginx.main) if word]
    seen = parse_workers(run(workers_command(), ""), named, place)
    more: dict[int, frozenset[str]] = {}
    for user, pids in seen.unknown.items():
        with contextlib.suppress(HostError):  # then they are not counted
            more |= parse_sockets(run(sockets_command(pids), user))
    return seen.given(more)


def workers_command() -> list[str]:
    """Give the argument list that prints what ``parse_workers`` reads."""
    return ["sh", "-c", _SEEN, "canaryctl"]


def sockets_command(pids: Iterable[int]) -> list[str]:
    """Give the argument list that prints what ``parse_sockets`` reads; run as their user."""
    return ["sh", "-c", _AS_THEY, "canaryctl", *map(str, pids)]


def parse_workers(output: str, named: Collection[str], place: str) -> Seen:
    """Read what the first command printed.

    Args:
        output: what it printed.
        named: words of the master's command line, to tell several apart.
        place: how the host is called in messages.

    Raises:
        HostError: there is no master, or several; or it printed something else.
    """
    lines = iter(output.splitlines())
    uptime: float | None = None
    processes: dict[int, Process] = {}
    users: dict[int, str] = {}
    near: set[int] = set()
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "uptime":
            uptime = _number(rest)
        elif kind == "process":
            found = parse_process(next(lines, ""), next(lines, ""))
            if found is not None:
                processes[found.pid] = found
                belongs, _, users[found.pid] = rest.partition(" ")
                if belongs == "yes":
                    near.add(found.pid)
    if uptime is None:
        raise HostError(f"NGINX's workers cannot be seen: there is no /proc in {place}")
    masters = [one for one in processes.values() if one.master]
    # A container that shares the machine's processes sees those of other containers too.
    master = the_master([one for one in masters if one.pid in near] or masters, named, place)
    sockets = parse_sockets(output)
    return Seen(
        uptime,
        tuple(one for one in processes.values() if one.parent == master.pid and not one.master),
        users,
        sockets.get(master.pid, frozenset()),
        sockets,
    )


def parse_sockets(output: str) -> dict[int, frozenset[str]]:
    """Read whose sockets are whose; those that may not be looked into are left out."""
    found: dict[int, frozenset[str]] = {}
    for line in output.splitlines():
        kind, *words = line.split(" ")
        # A process of NGINX has one at the least, to its master: none means that none was seen.
        if kind == "holds" and len(words) > 1 and words[0].isdigit() and _UNKNOWN not in words:
            found[int(words[0])] = frozenset(words[1:])
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
