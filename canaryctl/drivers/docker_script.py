"""Steps → one ``sh`` script and its positional parameters.

An exec costs about 90 ms whatever it does, so all steps of a change go in one. The script's
text is made of fixed words and integers only. Every value, be it a path, an argument or a
file's content, is a positional parameter, which the shell expands in quotes and never reads
as code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canaryctl.core.errors import HostError
from canaryctl.ports import Expect, Reload, Remove, Run, Step, Swap, Write

# Linux takes no argument longer than 128 KiB (MAX_ARG_STRLEN); a character has up to 4 bytes.
_CHUNK_CHARACTERS = 30_000
# All arguments together may have a quarter of the stack's limit, 2 MiB where nothing is set.
_LONGEST_TOTAL_BYTES = 1_000_000

# Exit codes. 126 and above belong to the shell and to the engine.
MISSING_TOOL = 9
_FIRST_STEP = 10
_MOST_STEPS = 100


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
    tools |= {"rm" for s in steps if isinstance(s, Remove)}
    lines = ["exec 2>&1", "umask 022"]
    lines += [
        f"command -v {tool} >/dev/null || {{ echo {tool}; exit {MISSING_TOOL}; }}"
        for tool in sorted(tools)
    ]
    for number, step in enumerate(steps):
        code = _FIRST_STEP + number
        match step:
            case Write(path, content):
                parts = " ".join(value(part) for part in _chunks(content))
                lines.append(f"printf %s {parts} > {value(path)} || exit {code}")
            case Expect(path, content):
                # The sentinel keeps what $(…) would cut: line feeds at the end.
                parts = "".join(value(part) for part in _chunks(content))
                there = f'"$(cat -- {value(path)} 2>/dev/null && echo x)"'
                lines.append(f"[ {there} = {parts}x ] || exit {code}")
            case Swap(staged, live):
                to = value(live)
                # mv would put the file *into* a directory and call that a success.
                lines.append(f"[ -d {to} ] && {{ echo {to}: is a directory; exit {code}; }}")
                lines.append(f"mv -f -- {value(staged)} {to} || exit {code}")
            case Remove(path):
                lines.append(f"rm -f -- {value(path)} || exit {code}")
            case Run(arguments):
                line = " ".join(value(word) for word in nginx.line(arguments))
                lines.append(f"{line} || exit {code}")
            case Reload():
                line = " ".join(value(word) for word in nginx.line(("-s", "reload")))
                lines.append(f"{line} || exit {code}")
    lines.append("exit 0")
    _check(values)
    return Script("\n".join(lines), tuple(values))


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
