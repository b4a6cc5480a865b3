"""Steps → one ``sh`` script and its positional parameters.

An exec costs about 90 ms whatever it does, so all steps of a change go in one. The script's
text is made of fixed words and integers only. Every value, be it a path, an argument or a
file's content, is a positional parameter, which the shell expands in quotes and never reads
as code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from canaryctl.core.errors import HostError
from canaryctl.ports import (
    Absent,
    Expect,
    Lock,
    Reload,
    Remove,
    Run,
    Step,
    Swap,
    Sweep,
    Unlock,
    Write,
)

# Linux takes no argument longer than 128 KiB (MAX_ARG_STRLEN); a character has up to 4 bytes.
_CHUNK_CHARACTERS = 30_000
# All arguments together may have a quarter of the stack's limit, 2 MiB where nothing is set.
_LONGEST_TOTAL_BYTES = 1_000_000

_POLL = 0.1  # seconds between two tries for a lock: BusyBox' flock knows no time limit

MOMENT = "/proc/sys/kernel/random/boot_id /proc/uptime"
"""The files that ``core.moment.parse_moment`` reads, on any Linux and in its containers."""

# Exit codes. 126 and above belong to the shell and to the engine.
MISSING_TOOL = 9
_FIRST_STEP = 10
_MOST_STEPS = 100


Value = Callable[[str], str]
"""Makes a text a positional parameter, and gives the words that stand for it."""
FileStep = Write | Expect | Absent | Swap | Remove | Sweep


@dataclass(frozen=True, slots=True)
class NginxCommand:
    """How NGINX's binary is called where it runs.

    Attributes:
        binary: a path, or a name on the container's PATH.
        prefix: ``-p``; None leaves it out.
        main: ``-c``; None leaves it out, and so does an argument list that brings its own.
        more: other options that the running master was started with and that decide what a
            configuration means (``-g``, ``-e``), as they are passed.
    """

    binary: str = "nginx"
    prefix: str | None = None
    main: str | None = None
    more: tuple[str, ...] = ()

    def line(self, arguments: Sequence[str]) -> list[str]:
        """Give the whole argument list."""
        line = [self.binary]
        if self.prefix is not None:
            line += ["-p", self.prefix]
        if self.main is not None and "-c" not in arguments:
            line += ["-c", self.main]
        return [*line, *self.more, *arguments]


@dataclass(frozen=True, slots=True)
class Script:
    """What ``sh`` is given: its program text and the values that go with it."""

    text: str
    values: tuple[str, ...]

    @property
    def command(self) -> list[str]:
        """The argument list of the exec; after the text comes ``$0``, then ``$1`` and on."""
        return ["sh", "-c", self.text, "canaryctl", *self.values]


def completed(exit_code: int, steps: Sequence[Step]) -> int | None:
    """Tell how many steps succeeded; None when the script itself came to no proper end."""
    if exit_code == 0:
        return len(steps)
    failed = exit_code - _FIRST_STEP
    return failed if 0 <= failed < len(steps) else None


def compile_steps(steps: Sequence[Step], nginx: NginxCommand) -> Script:
    """Write the script.

    Raises:
        HostError: a value that no command line can carry: a NUL, or over 1 MB in all.
    """
    if len(steps) > _MOST_STEPS:
        raise ValueError(f"{len(steps)} steps at once; at most {_MOST_STEPS} can be told apart")
    values: list[str] = []

    def value(text: str) -> str:
        values.append(text)
        return f'"${{{len(values)}}}"'

    tools = {"mv" for s in steps if isinstance(s, Swap)}
    tools |= {"rm" for s in steps if isinstance(s, Remove | Sweep)}
    tools |= {"flock" for s in steps if isinstance(s, Lock) and s.needed}
    lines = ["exec 2>&1", "umask 022"]
    lines += [
        f"command -v {tool} >/dev/null || {{ echo {tool}; exit {MISSING_TOOL}; }}"
        for tool in sorted(tools)
    ]
    for number, step in enumerate(steps):
        lines += _lines(step, _FIRST_STEP + number, value, nginx)
    lines.append("exit 0")
    _check(values)
    return Script("\n".join(lines), tuple(values))


def _lines(step: Step, code: int, value: Value, nginx: NginxCommand) -> list[str]:
    """Give one step's lines; where it fails, the script ends with ``code``."""
    match step:
        case Lock(path, patience, needed, instead):
            sweeps = [] if instead is None or needed else [_sweep(instead, value)]
            return _lock(value(path), patience, code if needed else None, sweeps)
        case Unlock():
            return ["exec 9>&-"]
        case Run(arguments):
            line = " ".join(value(word) for word in nginx.line(arguments))
            return [f"{line} || exit {code}"]
        case Reload():
            line = " ".join(value(word) for word in nginx.line(("-s", "reload")))
            return [f"{line} || exit {code}"]
    return _file(step, code, value)


def _file(step: FileStep, code: int, value: Value) -> list[str]:
    match step:
        case Write(path, content, stamped):
            parts = " ".join(value(part) for part in _chunks(content))
            stamp = f" && cat {MOMENT}" if stamped else ""
            return [f"{{ printf %s {parts}{stamp}; }} > {value(path)} || exit {code}"]
        case Expect(path, content):
            # The sentinel keeps what $(…) would cut: line feeds at the end.
            parts = "".join(value(part) for part in _chunks(content))
            there = f'"$(cat -- {value(path)} 2>/dev/null && echo x)"'
            return [f"[ {there} = {parts}x ] || exit {code}"]
        case Absent(path):
            at = value(path)
            return [f"[ ! -e {at} ] && [ ! -L {at} ] || exit {code}"]
        case Swap(staged, live):
            to = value(live)
            # mv would put the file *into* a directory and call that a success.
            return [
                f"[ -d {to} ] && {{ echo {to}: is a directory; exit {code}; }}",
                f"mv -f -- {value(staged)} {to} || exit {code}",
            ]
        case Remove(path):
            return [f"rm -f -- {value(path)} || exit {code}"]
        case Sweep():
            return [_sweep(step, value)]


def _sweep(step: Sweep, value: Value) -> str:
    """Delete what a glob of a fixed star finds; where it finds nothing, it names no file."""
    found = f"{value(step.stem)}*{value(step.ending)}"
    return f'for f in {found}; do [ "$f" = {value(step.keep)} ] || rm -f -- "$f"; done'


def _lock(path: str, patience: float, code: int | None, instead: Sequence[str]) -> list[str]:
    """Take a lock; without a ``code`` for its failure, the script goes on ``instead``."""
    late = f"{{ {'; '.join([*instead, 'break'])}; }}" if code is None else f"exit {code}"
    take = (
        f"exec 9>>{path}; n=0; until flock -n 9; do n=$((n+1)); "
        f"[ $n -ge {max(1, round(patience / _POLL))} ] && {late}; "
        f"sleep {_POLL} 2>/dev/null || sleep 1; done"
    )
    # Tried in a shell of its own: where `exec` cannot open a file, the shell ends.
    opened = f"( : >>{path} )"
    if code is None:
        return [f"if command -v flock >/dev/null && {opened} 2>/dev/null; then {take}; fi"]
    return [f"{opened} || exit {code}", take]


def _chunks(content: str) -> list[str]:
    """Cut content into arguments; ``printf %s`` prints them one after the other."""
    starts = range(0, len(content), _CHUNK_CHARACTERS)
    return [content[start : start + _CHUNK_CHARACTERS] for start in starts] or [""]


def _check(values: Sequence[str]) -> None:
    for text in values:
        if "\0" in text:
            raise HostError(f"a NUL character cannot be handed to a container: {text[:60]!r}")
    total = sum(len(text.encode(errors="surrogatepass")) for text in values)
    if total > _LONGEST_TOTAL_BYTES:
        raise HostError(
            f"a change of {total:,} bytes is too long to be handed to a container at once "
            f"(at most {_LONGEST_TOTAL_BYTES:,})",
            next_step="Move what does not change with the weights out of the template.",
        )
