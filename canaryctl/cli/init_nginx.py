"""What an NGINX's own configuration already has of what canaryctl needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

FILE = "canaryctl-upstream.conf"
"""The name of the file that canaryctl writes."""
HTTP_FILE = "canaryctl-http.conf"
"""The name of the file with the log format and what the variables mean before ``FILE`` exists."""
ATTEMPTS = "canaryctl_attempts"
"""The name of the log format that attempts are counted from."""

_SECTION = re.compile(r"^# configuration file (/[^\n]*):$", re.MULTILINE)
_PART = re.compile(
    r"""\#[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [{};] | (?:\$\{[^}]*\}|[^\s{};])+""",
    re.VERBOSE | re.DOTALL,
)
_ROUTED = re.compile(r"https?://\$\{?canaryctl_upstream\b")
_PASS = re.compile(r"(?:proxy|grpc|fastcgi|uwsgi|scgi|memcached)_pass")
_HOST = re.compile(r"(?:[a-z]+://)?([A-Za-z0-9][A-Za-z0-9_.-]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What ``nginx -T`` shows.

    Attributes:
        main: the main file; empty when nothing could be read.
        include: the pattern inside http {} that would find canaryctl's file, with its whole
            path; empty when there is none.
        routed: whether a location already passes to canaryctl's upstream.
        logged: whether the log format for canary requests is defined.
        counted: whether the log format for attempts is defined.
        attempts: the log that is written in it; empty when there is none.
        bounded: whether old workers are ended after some time.
        written: whether canaryctl's file is there and included.
        upstreams: the names of upstreams in files that are not canaryctl's.
        hosts: what those files pass requests to: the hosts of ``proxy_pass`` and its like, and
            of variables, from which a ``proxy_pass`` may take its host.
        servers: the files with a server {}, except canaryctl's.
    """

    main: str = ""
    include: str = ""
    routed: bool = False
    logged: bool = False
    counted: bool = False
    attempts: str = ""
    bounded: bool = False
    written: bool = False
    upstreams: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where canaryctl's file goes."""
        return f"{PurePosixPath(self.include).parent}/{FILE}" if self.include else ""

    @property
    def http_file(self) -> str:
        """The name for ``canaryctl-http.conf``: before each file there that has a server.

        NGINX reads what a pattern finds by name, and wants a log format before its use.
        """
        pattern = PurePosixPath(self.include)
        beside = [PurePosixPath(path) for path in self.servers]
        names = [one.name for one in beside if one.parent == pattern.parent]
        for name in (HTTP_FILE, f"00-{HTTP_FILE}", f"00--{HTTP_FILE}"):
            if fnmatchcase(name, pattern.name) and all(name < other for other in names):
                return name
        return HTTP_FILE


def read_dump(text: str) -> Configuration:
    """Read what ``nginx -T`` prints; what it says besides the files is skipped."""
    heads = list(_SECTION.finditer(text))
    if not heads:
        return Configuration()
    ends = [*(head.start() for head in heads[1:]), len(text)]
    main = heads[0].group(1)
    sections = [
        (head.group(1), list(_directives(text[head.end() : end])))
        for head, end in zip(heads, ends, strict=True)
    ]
    every = [words for _, directives in sections for _, words in directives]
    others = [(path, said) for path, said in sections if PurePosixPath(path).name != FILE]
    theirs = [words for _, directives in others for _, words in directives]
    return Configuration(
        main=main,
        include=_include(main, sections[0][1]),
        routed=any(words[0] == "proxy_pass" and _ROUTED.match(words[1]) for words in every),
        logged=any(words[:2] == ("log_format", "canary") for words in every),
        counted=any(words[:2] == ("log_format", ATTEMPTS) for words in every),
        attempts=next((w[1] for w in every if w[0] == "access_log" and w[2] == ATTEMPTS), ""),
        bounded=any(words[0] == "worker_shutdown_timeout" for words in every),
        written=len(others) < len(sections),
        upstreams=tuple(words[1] for words in theirs if words[0] == "upstream"),
        hosts=tuple(dict.fromkeys(_hosts(theirs))),
        servers=tuple(
            path
            for path, directives in others
            if any(words[:2] == ("server", "") for _, words in directives)
        ),
    )


def _include(main: str, directives: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]) -> str:
    """Give the best pattern directly inside http {} that would find canaryctl's file."""
    folder = PurePosixPath(main).parent
    found = [
        str(folder / words[1])
        for blocks, words in directives
        if blocks == ("http",) and words[0] == "include"
        if fnmatchcase(FILE, PurePosixPath(words[1]).name)
    ]
    # conf.d is where people look; any other place that is included will do as well.
    found.sort(key=lambda pattern: PurePosixPath(pattern).parent.name != "conf.d")
    return found[0] if found else ""


def _hosts(directives: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for words in directives:
        if _PASS.fullmatch(words[0]):
            target = words[1]
        elif words[0] == "set":
            target = words[2]
        else:
            continue
        if host := _HOST.match(target):
            yield host.group(1)


def _directives(text: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Give each directive: the blocks around it, and its words, filled up to three."""
    blocks: list[str] = []
    words: list[str] = []
    for part in _PART.findall(text):
        if part.startswith("#"):
            continue
        if part not in ("{", "}", ";"):
            words.append(part.strip("\"'"))
            continue
        if words and part != "}":
            yield tuple(blocks), (*words, *("",) * (3 - len(words)))
        if part == "{":
            blocks.append(words[0] if words else "")
        elif part == "}":
            blocks[-1:] = []
        words = []
