"""Where a page's commands run: a checkout, a new shop, a prepared one, the production stack."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from canaryctl.demo.processes import Child
from canaryctl.drivers.clock import SystemClock
from tests.docs.page import ROOT
from tests.docs.place import Place
from tests.docs.shop import CANARY_YAML, Shop, shortened
from tests.docs.stack import Stack, images

COPIES = ("checkout", "clone")
"""Settings that need none of the ports: copies of this checkout, after `make` and just cloned."""
RATE = 50
LOAD_SECONDS = 3600
_NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info")
)
_CURL = "exec curl --silent --fail-with-body --retry 30 --retry-all-errors --retry-delay 1"
# What a reader's machine has. `sudo`: the tests are root already.
_PROGRAMS = {
    "canaryctl": f'exec "{sys.executable}" -m canaryctl "$@"',
    "python": f'exec "{sys.executable}" "$@"',
    "sudo": 'exec "$@"',
    # A switch of the demo's service, for what a page tells in words: break-canary errors 0.2
    "break-canary": f"{_CURL} -X POST "
    """-d "{\\"$1\\": $2}" http://127.0.0.1:8101/faults""",
    # The process that leads the rollout of this page's own gateway, and no other.
    "kill-rollout": """canaryctl status --output json | exec python -c '
import json, os, sys
os.kill(int(json.load(sys.stdin)["lease"]["owner"].rpartition(":")[2]), 9)'""",
    # What docs/check.md has in front of it: a repository with a release to be made.
    "release-repository": """
set -e
sed -i s/GRAFANA_PASSWORD=.*/GRAFANA_PASSWORD=f3b9c0d1e2/ .env
mkdir -p dist docs && echo app > dist/app.tar
printf '# Runbook\n\n## Rollback\na\n\n## Promotion\nb\n\n## Troubleshooting\nc\n' > docs/runbook.md
printf '.env\ncanary-logs/\n' > .gitignore && echo '# Changes' > CHANGELOG.md
chmod 600 .env
grep -q artifacts: canary.yaml || sed -i -e '/^checks:/a\\  migrations: off' \\
  -e '/^checks:/a\\  artifacts: {files: ["dist/*"]}' canary.yaml
git init -q . && git config user.name reader && git config user.email reader@example.org
git add -A && git commit -q -m first""",
    # Somebody who takes one message, and answers with this status: answer 9401 200
    "answer": """timeout 60 python -c '
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(int(sys.argv[2]))
        self.end_headers()
        self.server.answered = True
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.answered = False
while not server.answered:
    server.handle_request()
' "$1" "$2" > /dev/null 2>&1 &
until curl --silent --max-time 1 "telnet://127.0.0.1:$1" < /dev/null > /dev/null || [ $? = 28 ]
do sleep 0.1; done; sleep 0.2""",
    "heal-canary": f"{_CURL} -X DELETE http://127.0.0.1:8101/faults",
}


class Scene:
    """One setting at a time, since each has the ports that the pages name.

    Args:
        place: the machine.
        base: an empty folder.
    """

    def __init__(self, place: Place, base: Path) -> None:
        self.place = place
        self.base = base
        self._name = ""
        self._folder = base
        self._up = contextlib.ExitStack()
        place.env = self.reader("nobody")

    def reader(self, name: str) -> dict[str, str]:
        """Give a new reader's environment: a home of their own, and the usual programs."""
        home = self.base / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        programs = self.base / "bin"
        programs.mkdir(exist_ok=True)
        for program, does in _PROGRAMS.items():
            path = programs / program
            path.write_text(f"#!/bin/sh\n{does}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return {
            "HOME": str(home),
            "PATH": f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "USER": "reader",
            "DOCKER_HOST": self.place.url,
            **images(),
            "APP_ADMIN_PORT": "8100",  # the demo's switches, with which pages break a version
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_CACHE_DIR": str(Path.home() / ".cache/pip"),
        }

    def enter(self, name: str) -> Path:
        """Bring a setting about, and give the folder in which it is used."""
        if name != "clone":
            self.place.has_images()
        if name in COPIES:
            return self._copied(name)
        if name != self._name:
            self.close()
            self._name = name
            self._folder = self._up.enter_context(self._settings()[name]())
        return self._folder

    def _settings(self) -> dict[str, Callable[[], contextlib.AbstractContextManager[Path]]]:
        return {
            "new shop": lambda: self._shop(prepared=False),
            "shop": lambda: self._shop(prepared=True),
            "new stack": lambda: self._stack(up=False),
            "stack": lambda: self._stack(up=True),
        }

    def fresh(self) -> None:
        """Bring the setting to where every page begins."""
        if self._name == "shop":
            (self._folder / "canary.yaml").write_text(CANARY_YAML)
            shortened(self._folder / "canary.yaml")
            self.place.run(self._folder, "heal-canary")
            self.place.run(self._folder, "canaryctl", "rollback", "--reason", "the next page")
        elif self._name == "stack":
            stack = Stack(self.place, self._folder.parent)
            self.place.run(self._folder, "canaryctl", "recover")
            stack.reset()
            stack.restart()
            self.place.run(self._folder, "heal-canary")

    def close(self) -> None:
        """Take down what is up."""
        self._up.close()
        self._name = ""

    def _copied(self, name: str) -> Path:
        folder = self.base / name
        if not folder.exists():
            shutil.copytree(ROOT, folder, ignore=_NOT_COPIED)
            if name == "checkout":
                for kept in (".venv", ".mypy_cache", ".ruff_cache"):
                    if (ROOT / kept).exists():
                        (folder / kept).symlink_to(ROOT / kept)
        return folder

    @contextlib.contextmanager
    def _shop(self, *, prepared: bool) -> Iterator[Path]:
        shop = Shop(self.place, self.base / ("shop" if prepared else "new-shop"))
        shop.up()
        try:
            if prepared:
                shop.prepare()
            with self._load():
                yield shop.folder
        finally:
            shop.down()

    @contextlib.contextmanager
    def _stack(self, *, up: bool) -> Iterator[Path]:
        checkout = self._copied("stack")
        stack = Stack(self.place, checkout)
        try:
            if up:
                stack.up()
            else:
                stack.reset()
                (stack.folder / ".env").unlink()  # the reader makes it
            with self._load():
                yield stack.folder if up else checkout
        finally:
            stack.down()

    @contextlib.contextmanager
    def _load(self) -> Iterator[None]:
        """Keep the service's clients busy."""
        argv = [sys.executable, "-m", "canaryctl.demo.load", "--url", "http://127.0.0.1:8080"]
        argv += ["--rate", str(RATE), "--seconds", str(LOAD_SECONDS), "--connections", "24"]
        argv += ["--report", str(self.base / "load.json")]
        with Child("load", self.place.inside(*argv), log_dir=self.base, clock=SystemClock()):
            yield
