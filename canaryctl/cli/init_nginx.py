"""What an NGINX's own configuration already has of what canaryctl needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

FILE = "canaryctl-upstream.conf"
"""The name of the file that canaryctl writes."""

_SECTION = re.compile(r"^# configuration file (/[^\n]*):$", re.MULTILINE)
_PART = re.compile(
    r"""\#[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [{};] | (?:\$\{[^}]*\}|[^\s{};])+""",
    re.VERBOSE | re.DOTALL,
)
_ROUTED = re.compile(r"^\s*proxy_pass\s+https?://\$canaryctl_upstream\b", re.MULTILINE)
_BOUNDED = re.compile(r"^\s*worker_shutdown_timeout\s", re.MULTILINE)
_UPSTREAM = re.compile(r"^\s*upstream\s+([^\s{;]+)\s*\{", re.MULTILINE)
_LOGGED = re.compile(r"^\s*log_format\s+canary\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What ``nginx -T`` shows.

    Attributes:
        main: the main file; empty when nothing could be read.
        include: the pattern inside http {} that would find canaryctl's file, with its whole
            path; empty when there is none.
        routed: whether a location already passes to canaryctl's upstream.
        logged: whether the log format for canary requests is defined.
        bounded: whether old workers are ended after some time.
        upstreams: the names of upstreams in files that are not canaryctl's.
    """

    main: str = ""
    include: str = ""
    routed: bool = False
    logged: bool = False
    bounded: bool = False
    upstreams: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where canaryctl's file goes."""
        return f"{PurePosixPath(self.include).parent}/{FILE}" if self.include else ""


def read_dump(text: str) -> Configuration:
    """Read what ``nginx -T`` prints; what it says besides the files is skipped."""
    heads = list(_SECTION.finditer(text))
    if not heads:
        return Configuration()
    ends = [*(head.start() for head in heads[1:]), len(text)]
    main = heads[0].group(1)
    sections = [
        (head.group(1), text[head.end() : end]) for head, end in zip(heads, ends, strict=True)
    ]
    others = [body for path, body in sections if PurePosixPath(path).name != FILE]
    folder = PurePosixPath(main).parent
    found = [
        str(folder / pattern)
        for pattern in _http_includes(sections[0][1])
        if fnmatchcase(FILE, PurePosixPath(pattern).name)
    ]
    # conf.d is where people look; any other place that is included will do as well.
    found.sort(key=lambda pattern: PurePosixPath(pattern).parent.name != "conf.d")
    return Configuration(
        main=main,
        include=found[0] if found else "",
        routed=_ROUTED.search(text) is not None,
        logged=_LOGGED.search(text) is not None,
        bounded=_BOUNDED.search(text) is not None,
        upstreams=tuple(name for body in others for name in _UPSTREAM.findall(body)),
    )


def _http_includes(text: str) -> Iterator[str]:
    """Give the patterns that are included directly inside http {}."""
    blocks: list[str] = []
    words: list[str] = []
    for part in _PART.findall(text):
        if part.startswith("#"):
            continue
        if part == "{":
            blocks.append(words[0] if words else "")
        elif part == "}":
            blocks[-1:] = []
        elif part != ";":
            words.append(part.strip("\"'"))
            continue
        elif blocks == ["http"] and words[:1] == ["include"] and len(words) > 1:
            yield words[1]
        words = []
