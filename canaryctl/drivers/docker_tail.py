"""The end of a growing file in a container: what ``sh`` is given, and what it printed.

As in ``docker_script``, every value is a positional parameter, never read as code.
"""

from __future__ import annotations

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_script import MISSING_TOOL
from canaryctl.ports import Tail

ABSENT = 3
_UNREADABLE = 4

# Opened once, so that size and content are the same file's, even when it is renamed meanwhile.
_SCRIPT = f"""\
for tool in stat tail head; do
  command -v "$tool" >/dev/null || {{ echo "$tool"; exit {MISSING_TOOL}; }}
done
[ -e "$1" ] || exit {ABSENT}
[ -f "$1" ] || {{ echo "it is no regular file"; exit {_UNREADABLE}; }}
exec <"$1" || exit {_UNREADABLE}
stat -L -c "%d:%i %s" /proc/self/fd/0 || exit {_UNREADABLE}
tail -c "+$2" | head -c "$3"
"""


def tail_command(path: str, offset: int, most: int) -> list[str]:
    """Give the argument list that prints what ``parse_tail`` reads.

    Args:
        path: of the file.
        offset: from where on, bytes.
        most: so many bytes at most.

    Raises:
        HostError: the path holds a NUL, which no argument list can carry.
    """
    if "\0" in path:
        raise HostError(f"a NUL character cannot be handed to a container: {path[:60]!r}")
    # tail counts from 1.
    return ["sh", "-c", _SCRIPT, "canaryctl", path, str(offset + 1), str(most)]


def parse_tail(output: bytes, offset: int) -> Tail | None:
    """Read what the command printed; None when that is something else."""
    first, _, rest = output.partition(b"\n")
    file, _, size = first.decode(errors="replace").partition(" ")
    if not (size.isascii() and size.isdigit()):
        return None
    # The file may have grown since its size was asked for.
    return Tail(file, int(size), rest[: max(0, int(size) - offset)])
