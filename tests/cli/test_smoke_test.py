"""`canaryctl smoke-test` as a user starts it: flags, exit codes, what is on which stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.smoke.faulty_service import Reply, Service, reply, serving

CONFIG = """\
service: shop
versions:
  stable: {{address: "127.0.0.1:1", url: "{url}/stable"}}
  canary: {{address: "127.0.0.1:{port}"}}
gateway: {{driver: local, config: /nowhere/canaryctl.conf}}
smoke: {{suite: own.yaml, headers: {{X-Key: "${{KEY}}"}}}}
"""
OWN = "name: own\nsteps:\n  - {name: hello, request: {path: /hello}, expect: {json: {$.a: 1}}}\n"
SECRET = "hunter2-hunter2"  # noqa: S105  looked for in what is shown


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path) as running:
        yield running


def canaryctl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "canaryctl", *arguments],
        cwd=folder,
        env={**os.environ, "KEY": SECRET, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_url_needs_no_configuration(service: Service, tmp_path: Path) -> None:
    asked = ("smoke-test", service.url, "--log-file", "service.log", "--junit", "j.xml")
    ended = canaryctl(tmp_path, *asked)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == f"smoke test fragrance-ai: {service.url}"
    assert [line[:4] for line in lines[1:8]] == ["PASS"] * 7
    assert lines[8].startswith("PASS: 7 passed, 0 failed in ")
    suite = ET.parse(tmp_path / "j.xml").getroot()[0]  # noqa: S314  our own
    assert (suite.get("tests"), suite.get("failures")) == ("7", "0")


def test_a_failure_ends_with_4_and_is_in_every_form(service: Service, tmp_path: Path) -> None:
    service.routes["POST /dna/create"] = reply({"id": "\x1b[2J\x00"}, 201)
    asked = ("smoke-test", service.url, "--skip-logs", "--junit", "j.xml", "--output", "json")
    ended = canaryctl(tmp_path, *asked)
    assert ended.returncode == 4
    assert "FAIL  create dna" in ended.stderr
    (line,) = ended.stdout.splitlines()
    found = json.loads(line)
    assert found["passed"] is False
    assert found["counts"] == {"passed": 2, "failed": 1, "skipped": 4}
    failed = next(step for step in found["steps"] if step["outcome"] == "failed")
    assert (failed["name"], failed["problems"][0]["where"]) == ("create dna", "$.dna_id")
    suite = ET.parse(tmp_path / "j.xml").getroot()[0]  # noqa: S314  our own
    cases = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert cases["create dna"] == ["failure"]
    assert cases["evolve options"] == ["skipped"]
    assert cases["health"] == []
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("7", "1", "4")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == failed["detail"]


def test_canary_and_stable_of_the_configuration(service: Service, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/canary.yaml").write_text(CONFIG.format(url=service.url, port=service.port))
    (tmp_path / "sub/own.yaml").write_text(OWN)
    service.routes["GET /hello"] = reply({"a": 1})
    service.routes["GET /stable/hello"] = Reply(200, f'{{"a": "{SECRET}"}}'.encode())
    canary = canaryctl(tmp_path, "smoke-test", "--config", "sub/canary.yaml")
    assert canary.returncode == 0, canary
    assert canary.stdout.startswith(f"smoke test own: canary, {service.url}\n")
    assert service.seen[0].headers["X-Key"] == SECRET
    stable = canaryctl(tmp_path, "--config", "sub/canary.yaml", "smoke-test", "--stable")
    assert stable.returncode == 4
    assert '$.a: expected 1, came "***"' in stable.stdout
    assert SECRET not in stable.stdout + stable.stderr


SOCKETS = """\
service: shop
versions: {stable: {address: "unix:/run/a.sock"}, canary: {address: "unix:/run/b.sock"}}
gateway: {driver: local, config: /etc/nginx/conf.d/up.conf}
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no configuration"),
        (("http://127.0.0.1:1", "--canary"), "--canary and a URL: one of them is tested"),
        (("--canary", "--stable"), "--canary and --stable: one of them is tested"),
        (("ftp://x",), "the URL: 'ftp://x' is not an HTTP address"),
        (("http://127.0.0.1:1", "--suite", "no.yaml"), "no.yaml cannot be read"),
        (("http://127.0.0.1:1", "--suite", "bad.yaml"), "bad.yaml:1: nam: unknown key"),
        (("http://127.0.0.1:1", "--junit", "no/j.xml"), "there is no folder no"),
        (
            ("--canary", "--config", "socket.yaml"),
            "versions.canary.url: unix:/run/b.sock is a Unix",
        ),
    ],
)
def test_what_is_wrong_before_anything_is_asked_ends_with_2(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "bad.yaml").write_text("nam: x\nsteps: [{name: a, request: {path: /}}]\n")
    (tmp_path / "socket.yaml").write_text(SOCKETS)
    ended = canaryctl(tmp_path, "smoke-test", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stdout == ""


def test_the_suite_is_shown_and_can_be_used(service: Service, tmp_path: Path) -> None:
    shown = canaryctl(tmp_path, "smoke-test", "--show")
    assert shown.returncode == 0
    (tmp_path / "mine.yaml").write_text(shown.stdout)
    again = canaryctl(tmp_path, "smoke-test", "--show", "--suite", "mine.yaml")
    assert again.stdout == shown.stdout
    asked = ("smoke-test", service.url, "--suite", "mine.yaml", "--skip-logs")
    assert canaryctl(tmp_path, *asked).returncode == 0
