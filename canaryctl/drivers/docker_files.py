"""Files in a container: their text, with the moment there, and what was appended to them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from canaryctl.core.errors import HostError
from canaryctl.core.moment import parse_moment
from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.docker_connect import engine_errors
from canaryctl.drivers.docker_exec import Ended
from canaryctl.drivers.docker_inside import Inside
from canaryctl.drivers.docker_script import MISSING_TOOL, MOMENT
from canaryctl.drivers.docker_tail import ABSENT, parse_tail, tail_command
from canaryctl.ports import MOST_TAILED, Glance, Tail

_CAT = f'[ -e "$1" ] || exit {ABSENT}; exec cat -- "$1"'
_GLANCE = f'cat {MOMENT} && printf "\\0" && {{ [ -e "$1" ] || exit {ABSENT}; }} && exec cat -- "$1"'
_MOST_SAID = 300  # characters of output in a message


def text_of(inside: Inside, path: str) -> str | None:
    """Give a file's text, None when there is none.

    Raises:
        HostError: it cannot be read, or is not UTF-8 text.
    """
    raw = _bytes(inside, path)
    return None if raw is None else _decoded(raw, inside, path)


def glance_at(inside: Inside, path: str) -> Glance:
    """Give a file's text and the container's present moment, from one exec.

    Raises:
        HostError: no ``sh`` or ``cat`` in it, or the file is not UTF-8 text.
    """
    ended = inside.run(["sh", "-c", _GLANCE, "canaryctl", path])
    head, _, rest = ended.output.partition(b"\0")
    now = parse_moment(head.decode(errors="replace"))
    if ended.exit_code not in (0, ABSENT) or now is None:
        raise _unreadable(inside, path, ended)
    return Glance(None if ended.exit_code == ABSENT else _decoded(rest, inside, path), now)


def tail_of(inside: Inside, path: str, offset: int) -> Tail | None:
    """Give what a file has from ``offset`` on, None when there is none.

    Raises:
        HostError: no ``stat``, ``tail`` or ``head`` in it, or the file cannot be read.
    """
    ended = inside.run(tail_command(path, offset, MOST_TAILED))
    if ended.exit_code == ABSENT:
        return None
    if ended.exit_code == MISSING_TOOL:
        raise inside.lacks(ended.text, "sh, stat, tail and head to count attempts")
    tail = parse_tail(ended.output, offset) if ended.exit_code == 0 else None
    if tail is None:
        raise _unreadable(inside, path, ended)
    # The container is part of it: in a recreated one the numbers may be the same.
    return replace(tail, file=f"{inside.found['Id']} {tail.file}")


def _bytes(inside: Inside, path: str) -> bytes | None:
    import docker  # noqa: PLC0415

    if _on_tmpfs(inside.found, path):  # which the engine's file transfer does not see
        return _cat(inside, path)
    with engine_errors(f"cannot read {path} in container {inside.name!r}"):
        try:
            stream, _stat = inside.client.api.get_archive(inside.found["Id"], path)
        except docker.errors.NotFound:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            first = archive.next()
            file = archive.extractfile(first) if first and first.isreg() else None
            if file is not None:
                return file.read()
    return _cat(inside, path)  # a link: its target may be anywhere


def _cat(inside: Inside, path: str) -> bytes | None:
    ended = inside.run(["sh", "-c", _CAT, "canaryctl", path])
    if ended.exit_code == ABSENT:
        return None
    if ended.exit_code != 0:
        raise _unreadable(inside, path, ended)
    return ended.output


def _decoded(raw: bytes, inside: Inside, path: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise HostError(
            f"{path} in container {inside.name!r} is not UTF-8 text: {error}"
        ) from error


def _unreadable(inside: Inside, path: str, ended: Ended) -> HostError:
    said = SECRETS.beginning(ended.text, _MOST_SAID) or f"it ended with {ended.exit_code}"
    return HostError(f"cannot read {path} in container {inside.name!r}: {said}")


def _on_tmpfs(found: Mapping[str, Any], path: str) -> bool:
    mounts = [m["Destination"] for m in found["Mounts"] if m["Type"] == "tmpfs"]
    mounts += found["HostConfig"].get("Tmpfs") or {}
    return any(PurePosixPath(path).is_relative_to(mount) for mount in mounts)
