"""A shop that is ready for v0.2.0: a real git repository in which every check passes."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canaryctl.checking.assemble import suite
from canaryctl.checking.finding import Finding
from canaryctl.checking.scene import Given, Scene
from canaryctl.config.checks import ChecksModel
from canaryctl.drivers.clock import SystemClock
from canaryctl.releasing.make import make
from canaryctl.releasing.survey import Release, Survey

VERSION = "v0.2.0"
RUNBOOK = """\
# Runbook of the shop: rollback, promotion, troubleshooting

## Rollback

1. `canaryctl rollback`

## Promotion

### By hand

Ask the product owner, then promote.

## Troubleshooting

Look at the latency first.
"""
SECRET = "s3cr3t-of-the-shop"  # noqa: S105  looked for where it may not be
DECLARED: dict[str, Any] = {
    "release": {"checkpoints": ["models/*.pt"]},
    "migrations": {"files": "migrations/*.sql", "applied": ["cat", "applied.txt"]},
    "secrets": {"required": ["API_KEY"]},
    "artifacts": {"files": ["dist/*"]},
    "runbook": {},
}
CANARY = """\
service: shop
versions:
  stable: {address: "app:8000"}
  canary: {address: "app-canary:8001"}
gateway: {driver: local, config: /etc/nginx/conf.d/up.conf}
"""


def nothing_there() -> Any:
    """Stand for what a test does not ask."""
    raise AssertionError("not to be asked")


def nobody() -> Given:
    """Have nothing there for probes."""
    return Given(nothing_there, nothing_there, nothing_there)


@dataclass
class Shop:
    """The repository, and ways to spoil it."""

    path: Path

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        ran = subprocess.run(
            ["git", "-C", str(self.path), *arguments], check=True, capture_output=True, text=True
        )
        return ran.stdout.strip()

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def commit(self, message: str = "More") -> str:
        """Commit everything that is not ignored."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def survey(self, **checks: Any) -> Release:
        """Look at what a release would be."""
        asked = ChecksModel.model_validate({**DECLARED, **checks})
        return Survey(self.path, VERSION, asked, SystemClock())()

    def release(self, **checks: Any) -> Release:
        """Make it."""
        found = self.survey(**checks)
        make(found, self.path, SystemClock())
        return found

    def check(
        self,
        *,
        only: str = "",
        given: Given | None = None,
        left_out: tuple[str, ...] = (),
        **checks: Any,
    ) -> dict[str, Finding]:
        """Run the checks, by name."""
        declared = {key: value for key, value in DECLARED.items() if key not in left_out}
        if only:
            declared = {key: "off" for key in declared if key != only} | {
                key: value for key, value in declared.items() if key == only
            }
        asked = ChecksModel.model_validate({**declared, **checks})
        scene = Scene(self.path, VERSION, SystemClock())
        whole = suite(scene, asked, given or nobody())
        return {one.name: one for one in whole.run()}


def opened(path: Path) -> Shop:
    """Make the shop, without a release."""
    path.mkdir()
    shop = Shop(path)
    shop.git("init", "--quiet", "--initial-branch", "main")
    shop.git("config", "user.name", "Ann")
    shop.git("config", "user.email", "ann@example.com")
    shop.write("canary.yaml", CANARY)
    shop.write("docs/runbook.md", RUNBOOK)
    shop.write("migrations/0001_init.sql", "create table users ();")
    shop.write("migrations/0002_orders.sql", "create table orders ();")
    shop.write("applied.txt", "0001_init\n0002_orders\n")
    shop.write(".env.example", "# for the shop\nAPI_KEY=changeme\nPORT=8000\n")
    shop.write(".gitignore", ".env\nmodels/\ndist/\n")
    shop.write("CHANGELOG.md", "# Changes\n\n## v0.1.0 (2025-01-01)\n\n- The first one\n")
    shop.commit("The shop")
    shop.write(".env", f'export API_KEY="{SECRET}"\nPORT = 8000\n')
    os.chmod(path / ".env", 0o600)  # noqa: PTH101
    shop.write("models/ppo.pt", "weights")
    shop.write("dist/app.tar", "image")
    return shop
