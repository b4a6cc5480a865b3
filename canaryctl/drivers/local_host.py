"""An NGINX on this machine, known by its binary, prefix and pid file."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from canaryctl.core.errors import HostError
from canaryctl.drivers import local_files, reach
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.local_lock import LocalLock, LockBusy
from canaryctl.drivers.local_workers import local_workers
from canaryctl.drivers.moment import moment
from canaryctl.ports import (
    MOST_TAILED,
    Absent,
    Expect,
    Glance,
    Located,
    Lock,
    Performed,
    Reload,
    Remove,
    Run,
    Step,
    Swap,
    Sweep,
    Tail,
    Unlock,
    Worker,
    Write,
)


class _StepFailedError(Exception):
    """A step did not succeed; the text is for the user."""


@dataclass(frozen=True)
class LocalHost:
    """NGINX as a process beside this one.

    Attributes:
        binary: a path, or a name to be found on PATH.
        prefix: what NGINX was started with as ``-p``; None when it was started without.
        main: the main configuration file it was started with as ``-c``; None likewise.
        pid_file: where its master's process id is; None lets NGINX find it (``-s reload``).
        timeout: seconds for one command of NGINX's binary.
        connect_timeout: seconds for one look-up and for one connection in ``locate``.
    """

    binary: str = "nginx"
    prefix: str | None = None
    main: str | None = None
    pid_file: str | None = None
    timeout: float = 10.0
    connect_timeout: float = 1.0

    def describe(self) -> str:
        """Name the place for messages."""
        return f"nginx at {self.prefix or self.main or self.pid_file or self.binary}"

    def identity(self) -> str:
        """Give what is the same for everybody who means this NGINX; a lock is named by it."""
        known = [os.path.realpath(p) for p in (self.main, self.prefix, self.pid_file) if p]
        return "local:" + "|".join(known or [self.binary])

    def read(self, path: str) -> str | None:
        """Give a file's text, None when there is none.

        Raises:
            HostError: it is there but cannot be read as UTF-8 text.
        """
        try:
            return Path(path).read_bytes().decode()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except UnicodeDecodeError as error:
            raise HostError(f"{path} is not UTF-8 text: {error}") from error
        except OSError as error:
            raise _unreadable(path, error, "read NGINX's configuration") from error

    def glance(self, path: str) -> Glance:
        """Give a file's text and the present moment.

        Raises:
            HostError: as ``read`` does.
        """
        return Glance(self.read(path), moment())

    def tail(self, path: str, offset: int) -> Tail | None:
        """Give what a file has from ``offset`` on, None when there is none.

        Raises:
            HostError: it is there but cannot be read, or is no regular file.
        """
        try:
            # A pipe without a writer would hold the opening up.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(path, error, "read NGINX's logs") from error
        try:
            there = os.fstat(descriptor)
            if not stat.S_ISREG(there.st_mode):
                raise HostError(f"{path} is no regular file")
            wanted = max(0, min(there.st_size - offset, MOST_TAILED))
            content = os.pread(descriptor, wanted, offset)
        except OSError as error:
            raise _unreadable(path, error, "read NGINX's logs") from error
        finally:
            os.close(descriptor)
        return Tail(f"{there.st_dev}:{there.st_ino}", there.st_size, content)

    def perform(self, steps: Sequence[Step]) -> Performed:
        """Do the steps in order and stop at the first that fails.

        Raises:
            HostError: NGINX's binary cannot be started at all.
        """
        said: list[str] = []
        with LocalLock(SystemClock()) as lock:
            for done, step in enumerate(steps):
                try:
                    said.append(self._do(step, lock))
                except (_StepFailedError, LockBusy) as failure:
                    said.append(str(failure))
                    return Performed(done, _joined(said))
                except OSError as error:
                    said.append(_told(error))
                    return Performed(done, _joined(said))
        return Performed(len(steps), _joined(said))

    def locate(self, address: str) -> Located:
        """Look up ``host:port`` with this machine's resolver, and try to connect."""
        wanted = reach.parse_address(address)
        ips = reach.look_up(wanted.host, self.connect_timeout)
        if ips is None:
            return Located((), None, f"looking up {wanted.host} took over {self.connect_timeout} s")
        if not ips:
            return Located((), False, f"{wanted.host} does not resolve on this machine")
        answers = reach.knock_all(ips, wanted.port, self.connect_timeout)
        # One that accepts is enough: `localhost` has two addresses, servers often listen on one.
        accepted = reach.Answer.ACCEPTED in answers.values()
        return Located(tuple(answers), accepted, reach.describe(answers))

    def workers(self) -> tuple[Worker, ...]:
        """Give the worker processes of this NGINX, the youngest first.

        Raises:
            HostError: its master does not run, or cannot be told from others.
        """
        named = [word for word in (self.prefix, self.main) if word]
        return local_workers(self.pid_file, named, self.describe())

    def _do(self, step: Step, lock: LocalLock) -> str:
        match step:
            case Lock(path, patience, needed, instead):
                if not lock.take(path, patience, needed=needed) and instead is not None:
                    with contextlib.suppress(OSError):
                        local_files.sweep(instead)
            case Unlock():
                lock.release()
            case Run(arguments):
                return self._nginx(arguments)
            case Reload() if self.pid_file is not None:
                _hang_up(self.pid_file, Path(self.binary).name)
            case Reload():
                return self._nginx(("-s", "reload"))
            case _:
                self._file(step)
        return ""

    def _file(self, step: Write | Expect | Absent | Swap | Remove | Sweep) -> None:
        match step:
            case Write(path, content, stamped):
                local_files.write(path, content + (moment().stamp() if stamped else ""))
            case Expect(path, content) if self.read(path) != content:
                raise _StepFailedError(f"{path} was changed meanwhile")
            case Absent(path) if os.path.lexists(path):
                raise _StepFailedError(f"{path} is there already")
            case Swap(staged, live):
                local_files.swap(staged, live)
            case Remove(path):
                Path(path).unlink(missing_ok=True)
            case Sweep():
                local_files.sweep(step)

    def _nginx(self, arguments: tuple[str, ...]) -> str:
        command = [self.binary]
        if self.prefix is not None:
            command += ["-p", self.prefix]
        if self.main is not None and "-c" not in arguments:
            command += ["-c", self.main]
        try:
            ended = subprocess.run(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self.timeout,
                check=False,
                # A Ctrl-C in the terminal is for canaryctl, which finishes a change it has begun.
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"").decode(errors="replace")
            raise _StepFailedError(
                f"{said}{' '.join(error.cmd)} did not end within {self.timeout:g} s and was killed"
            ) from error
        except OSError as error:
            raise HostError(
                f"cannot start NGINX's binary {self.binary!r}: {error.strerror}",
                next_step="Set gateway.binary to the path of the nginx that runs here.",
            ) from error
        said = ended.stdout.decode(errors="replace")
        if ended.returncode != 0:
            raise _StepFailedError(said or f"{self.binary} ended with {ended.returncode}")
        return said


def _hang_up(pid_file: str, program: str) -> None:
    text = Path(pid_file).read_text(encoding="ascii", errors="replace").strip()
    # 0 and negative numbers would signal whole process groups.
    if not text.isdigit() or int(text) == 0:
        raise _StepFailedError(f"{pid_file} holds {text!r}, not a process id")
    pid = int(text)
    if not _is_master(pid, program):
        raise _StepFailedError(
            f"{pid_file} names process {pid}, which is not {program}: NGINX does not run, or the "
            "pid file is another one"
        )
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        raise _StepFailedError(f"{pid_file} names process {pid}, which does not run") from None


def _is_master(pid: int, program: str) -> bool:
    """Look before a signal is sent: most programs die of this one.

    Where there is no /proc to look into, the pid file is believed.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True
    return b"master process" in command or program.encode() in command


def _unreadable(path: str, error: OSError, may: str) -> HostError:
    return HostError(
        f"cannot read {path}: {error.strerror}",
        next_step=f"Run canaryctl as a user who may {may}.",
    )


def _told(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return f"{' -> '.join(names) or 'file'}: {error.strerror or error}"


def _joined(said: Sequence[str]) -> str:
    return "\n".join(text.strip() for text in said if text.strip())
