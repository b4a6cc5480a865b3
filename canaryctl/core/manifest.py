"""The artifact manifest of a release: which files it consists of, and their SHA-256.

The same commit and files give the same bytes, so that it can be made again and compared.
What is read is held to the strictest form: a path that leaves the tree, a name that stands
twice or a hash in another notation is no manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_KEYS = {"version", "commit", "created", "artifacts"}
_ENTRY_KEYS = {"path", "size", "sha256"}
_PIN = re.compile(r"^Manifest-SHA256: ([0-9a-f]{64})$", re.MULTILINE)
_THOUSAND = 1000
LARGEST = 16 * 2**20
"""Bytes that a manifest may have."""
OUTSIDE = "leaves the tree, or is no relative path"


class NotManifestError(ValueError):
    """The text is no manifest; says why in words."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a release.

    Attributes:
        path: relative to the folder of canary.yaml, with slashes, without ``..``.
        size: bytes.
        sha256: 64 lower-case hexadecimal digits.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release consists of.

    Attributes:
        version: the release.
        commit: its full id in git.
        created: the commit's time in UTC, ``2025-06-30T00:13:07Z``.
        artifacts: by path.
    """

    version: str
    commit: str
    created: str
    artifacts: tuple[Artifact, ...]

    @property
    def size(self) -> str:
        """All artifacts together, for people: ``820 bytes``, ``3.1 MB``."""
        size = float(sum(one.size for one in self.artifacts))
        for unit in ("bytes", "kB", "MB"):
            if size < _THOUSAND:
                return f"{size:.3g} {unit}"
            size /= _THOUSAND
        return f"{size:.1f} GB"

    def text(self) -> str:
        """Write it: JSON, one artifact after another in the order of their paths."""
        rows = [
            {"path": one.path, "size": one.size, "sha256": one.sha256}
            for one in sorted(self.artifacts, key=lambda one: one.path)
        ]
        whole = {
            "version": self.version,
            "commit": self.commit,
            "created": self.created,
            "artifacts": rows,
        }
        return json.dumps(whole, indent=2) + "\n"


def parse(text: str) -> Manifest:
    """Read one.

    Raises:
        NotManifestError: it is none.
    """
    try:
        whole = json.loads(text, object_pairs_hook=_once)
    except NotManifestError:
        raise
    except (ValueError, RecursionError):
        raise NotManifestError("it is not JSON") from None
    _has_keys(whole, _KEYS, "it")
    version = _matching(whole["version"], _VERSION, "version", "a release such as v0.2.0")
    commit = _matching(whole["commit"], _COMMIT, "commit", "a full commit id")
    created = _matching(whole["created"], _MOMENT, "created", "such as 2025-06-30T00:13:07Z")
    rows = whole["artifacts"]
    if not isinstance(rows, list):
        raise NotManifestError("artifacts is not a list")
    artifacts = tuple(_artifact(row, number) for number, row in enumerate(rows, 1))
    paths = [one.path for one in artifacts]
    twice = sorted({one for one in paths if paths.count(one) > 1}) if _repeats(paths) else []
    if twice:
        raise NotManifestError(f"{twice[0]} stands twice")
    return Manifest(version, commit, created, artifacts)


def inside(path: str) -> bool:
    """Tell whether a path is relative, stays in its tree, and is written in the one way."""
    return not fault(path)


def fault(path: str) -> str:
    """Say why a manifest takes no such path, as words that follow on it; empty: it does."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or path in ("", ".") or str(pure) != path:
        return OUTSIDE
    if "\\" in path:
        return "has a backslash in its name, which is no part of a name everywhere"
    unseen = next((one for one in path if not one.isprintable()), "")
    if "\ud800" <= unseen <= "\udfff":
        return "has a name that is not UTF-8"
    return f"has a character in its name that nobody sees (U+{ord(unseen):04X})" if unseen else ""


def fingerprint(text: str) -> str:
    """Give the SHA-256 of a manifest's text, with whatever line ends git has checked it out."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def tag_message(version: str, text: str) -> str:
    """Say in a tag which manifest belongs to it."""
    return f"{version}\n\nManifest-SHA256: {fingerprint(text)}\n"


def pinned(message: str) -> str | None:
    """Give the manifest's SHA-256 that a tag's message names, None where it names none."""
    found = _PIN.findall(message)
    return found[-1] if found else None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice: readers differ in which one they believe."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotManifestError("a key stands twice in one object")
    return found


def _has_keys(value: Any, keys: set[str], what: str) -> None:
    if not isinstance(value, dict):
        raise NotManifestError(f"{what} is not an object")
    if missing := sorted(keys - set(value)):
        raise NotManifestError(f"{what} has no {missing[0]}")
    if set(value) - keys:
        raise NotManifestError(f"{what} has a key that no manifest has")


def _matching(value: Any, pattern: re.Pattern[str], key: str, form: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NotManifestError(f"{key} is not {form}")
    return value


def _artifact(row: Any, number: int) -> Artifact:
    what = f"artifact {number}"
    _has_keys(row, _ENTRY_KEYS, what)
    path, size = row["path"], row["size"]
    if not isinstance(path, str):
        raise NotManifestError(f"{what}: its path is no text")
    if why := fault(path):
        raise NotManifestError(f"{what}: its path {why}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise NotManifestError(f"{what}: its size is not a number of bytes")
    sha256 = _matching(row["sha256"], _SHA256, f"{what}: its sha256", "64 lower-case hex digits")
    return Artifact(path, size, sha256)


def _repeats(paths: Sequence[str]) -> bool:
    return len(set(paths)) != len(paths)
