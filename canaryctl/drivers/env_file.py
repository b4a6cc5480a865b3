"""Compose's environment file (``.env``): one variable of it read, or given another value.

It is kept current because any later ``docker compose up`` by hand reads it, and has to keep what
runs. All else in it stays byte for byte as it is: comments, order, blanks, line ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from canaryctl.core.errors import ConfigError
from canaryctl.drivers.atomic_file import replaced
from canaryctl.drivers.dotenv import parse

NEW = 0o600
"""The mode of one that is made: secrets come into it sooner or later."""
# A comment after an unquoted value is none of it.
_ANY = re.compile(
    rb"^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"
    rb"(?P<value>\"[^\"\r\n]*\"|'[^'\r\n]*'|[^\r\n]*?)(?:[ \t]+\#[^\r\n]*)?[ \t]*\r?$",
    re.MULTILINE,
)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """One of them.

    Attributes:
        path: where it is; it need not be there yet.
    """

    path: Path

    def value(self, variable: str) -> str | None:
        """Give what a variable is set to, without quotes; None where it is not set.

        Raises:
            ConfigError: the file cannot be read.
        """
        found = _last(self._read(), variable)
        return None if found is None else _bare(found["value"].decode(errors="replace"))

    def values(self) -> dict[str, str]:
        """Give every variable that is set, the last value of each, as Compose reads it.

        What Compose would refuse is given line by line: it may be a secret all the same.

        Raises:
            ConfigError: the file cannot be read.
        """
        text = self._read()
        lines = {
            one["name"].decode(): _bare(one["value"].decode(errors="replace"))
            for one in _ANY.finditer(text)
        }
        return {**lines, **parse(text.decode(errors="replace")).values}

    def keep(self, variable: str, value: str) -> bool:
        """Have a variable set to a value; tells whether the file had to be changed for it.

        Raises:
            ConfigError: the file cannot be read or written.
            ValueError: the value is more than one plain word.
        """
        if not _PLAIN.fullmatch(value):
            raise ValueError(f"{value!r} is no plain word for {self.path.name}")
        before = self._read()
        after = _with(before, variable, value)
        if after == before:
            return False
        self._replaced(after, variable)
        return True

    def now(self) -> bytes | None:
        """Give all of it, for ``put_back``; None where there is none.

        Raises:
            ConfigError: the file cannot be read.
        """
        return self._read() if self.path.exists() else None

    def put_back(self, before: bytes | None, variable: str, value: str) -> None:
        """Undo ``keep``, byte for byte, unless somebody has changed the file since.

        Args:
            before: what ``now`` gave.
            variable: what was kept.
            value: its value.

        Raises:
            ConfigError: the file cannot be read or written.
        """
        if self._read() != _with(before or b"", variable, value):
            return
        if before is None:
            self.path.unlink(missing_ok=True)
        else:
            self._replaced(before, variable)

    def _replaced(self, text: bytes, variable: str) -> None:
        try:
            replaced(self.path, text, NEW)
        except OSError as error:
            raise ConfigError(
                f"deploy.env_file: {self.path} cannot be written: {error.strerror or error}",
                next_step=f"this user needs to write it: it keeps {variable}",
            ) from error

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise ConfigError(
                f"deploy.env_file: {self.path} cannot be read: {error.strerror or error}"
            ) from error


def _with(text: bytes, variable: str, value: str) -> bytes:
    """Give the text with a variable set to a value; the same where it is so already."""
    found = _last(text, variable)
    if found is None:
        end = b"\r\n" if b"\r\n" in text else b"\n"
        gap = b"" if not text or text.endswith(b"\n") else end
        return text + gap + f"{variable}={value}".encode() + end
    if _bare(found["value"].decode(errors="replace")) == value:
        return text
    begin, end_at = found.span("value")
    return text[:begin] + value.encode() + text[end_at:]


def _last(text: bytes, variable: str) -> re.Match[bytes] | None:
    """Find the line that counts: the last one."""
    name = variable.encode()
    return next((one for one in reversed(list(_ANY.finditer(text))) if one["name"] == name), None)


def _bare(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
