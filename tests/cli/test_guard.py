"""`canaryctl guard --once`: its exit code says whether all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from canaryctl.config import load
from canaryctl.core.lease import Lease
from canaryctl.wiring import Build
from tests.e2e.harness import Tool

LEASE = Lease("r1", "me@elsewhere:1", "v1", 3600.0, doing="stage 1", stage=0, weight="5")


@pytest.fixture
def config(tmp_path: Path, nginx_binary: Path) -> Path:
    """A gateway whose NGINX does not run."""
    (tmp_path / "nginx.conf").write_text(f"events {{}} http {{ include {tmp_path}/up*.conf; }}")
    path = tmp_path / "canary.yaml"
    path.write_text(f"""
service: shop
versions:
  stable: {{address: "127.0.0.1:1"}}
  canary: {{address: "127.0.0.1:2"}}
gateway:
  driver: local
  binary: {nginx_binary}
  prefix: {tmp_path}
  main: {tmp_path}/nginx.conf
  pid_file: {tmp_path}/nginx.pid
  config: {tmp_path}/up.conf
  verify: http://127.0.0.1:1
""")
    return path


def led(config: Path, lease: Lease) -> None:
    Build(load(config), config.parent).lease.take(lease)


def test_where_nobody_leads_or_somebody_lives_all_is_well(config: Path, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "state")
    assert tool.run("guard", "--once", config=config).code == 0
    led(config, LEASE)
    ended = tool.run("guard", "--once", config=config)
    assert (ended.code, "me@elsewhere:1 leads rollout r1" in ended.err) == (0, True)


def test_what_was_not_proven_is_no_success(config: Path, tmp_path: Path) -> None:
    led(config, replace(LEASE, length=0.001))
    ended = Tool(tmp_path / "state").run("guard", "--once", config=config)
    assert ended.code == 3, ended.err
    assert "0 % could not be proven in 3 attempts: " in ended.err
    assert "next: " in ended.err
    assert "Traceback" not in ended.err
