"""Both versions' parts of a project: which engine Compose acts on, and what is never said."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.config import load
from canaryctl.core.redaction import SECRETS
from canaryctl.deploying.collect import collect
from canaryctl.deploying.failed import DeployFailed
from canaryctl.deploying.side import Sides, sides
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.compose_containers import ComposeContainers
from tests.deploying.fakes import Project, container
from tests.deploying.test_bring_up import made, never

CANARY = """\
service: shop
versions: {stable: {address: "app:1"}, canary: {address: "app-canary:1"}}
gateway: {driver: docker, container: shop-nginx, config: /etc/nginx/conf.d/up.conf%s}
metrics: {provider: prometheus, url: "http://a:1"}
deploy: {files: [compose.yaml], canary: {services: [app-canary], variable: CANARY_KEY_VERSION}}
"""
DOCKER = """\
#!/bin/sh
env > "$SEEN"
"""
ENV = """\
CANARY_KEY_VERSION=v0.2.0-rc1
SERVICE_KEY=shop-nginx
PASSWORD_COMMENT="open \\"sesame\\" now"
PRIVATE_KEY="-----BEGIN-----
c2VzYW1lLW9wZW4=
-----END-----"
PLAIN=said-openly
"""
KEPT = ('open "sesame" now', "c2VzYW1lLW9wZW4=")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an environment file, and a `docker` that tells what it was given."""
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / ".env").write_text(ENV)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    monkeypatch.setenv("CANARYCTL_STATE_DIR", str(tmp_path / "state"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    SECRETS.know(())


def opened(base: Path, engine: str = "") -> Sides:
    (base / "canary.yaml").write_text(CANARY % engine)
    return sides(load(base / "canary.yaml"), base, SystemClock())


def seen(base: Path, engine: str) -> dict[str, str]:
    """Give what of Docker's environment Compose gets; what is empty counts as not set."""
    opened(base, engine).canary.compose("ps")
    lines = (base / "seen").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line.startswith("DOCKER_"))
    return {name: value for name, value in pairs if value}


def test_compose_verifies_a_tcp_engine_with_the_configured_keys(base: Path) -> None:
    where = ', docker_host: "tcp://build:2376", tls_dir: /etc/docker/client'
    assert seen(base, where) == {
        "DOCKER_HOST": "tcp://build:2376",
        "DOCKER_CERT_PATH": "/etc/docker/client",
        "DOCKER_TLS_VERIFY": "1",
    }
    where = ', docker_host: "unix:///run/docker.sock", tls_dir: /etc/docker/client'
    assert seen(base, where) == {"DOCKER_HOST": "unix:///run/docker.sock"}


def test_keys_are_for_an_engine_of_the_environment_too(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://build:2376")
    found = seen(base, ", tls_dir: /etc/docker/client")
    assert found["DOCKER_CERT_PATH"] == "/etc/docker/client"
    assert found["DOCKER_TLS_VERIFY"] == "1"


def test_what_is_configured_goes_before_the_environment(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    assert seen(base, ", docker_context: build") == {"DOCKER_CONTEXT": "build"}
    where = ', docker_host: "unix:///run/docker.sock"'
    assert seen(base, where) == {"DOCKER_HOST": "unix:///run/docker.sock"}
    assert seen(base, "") == {
        "DOCKER_HOST": "tcp://elsewhere:2375",
        "DOCKER_CONTEXT": "elsewhere",
    }


def test_what_the_environment_file_calls_a_secret_is_in_no_message(base: Path) -> None:
    opened(base)
    project = Project(base, comes_up=lambda s, v: container(s, v, status="exited", exit_code=3))
    lines = (*KEPT, "said-openly of shop-nginx v0.2.0-rc1")
    log = "".join(f"2026-01-01T00:00:00Z {one}\n" for one in lines)
    project.logs["app-canary"] = log.encode()
    with pytest.raises(DeployFailed) as caught:
        made(project, "")[0]("v0.2.0-rc1", never)
    assert str(caught.value).endswith(
        "it said last: *** · *** · said-openly of shop-nginx v0.2.0-rc1"
    )


def test_a_secret_over_several_lines_is_in_no_log(base: Path) -> None:
    project = Project(base)
    project.there["app-canary"] = container("app-canary", "v0.2.0-rc1")
    log = "".join(f"2026-01-01T00:00:00Z ERROR {one}\n" for one in (*KEPT, "said-openly"))
    project.logs["app-canary"] = log.encode()
    folder = collect(project.side("canary"), base / "logs", 0.0).folder
    text = "".join(one.read_text() for one in folder.iterdir())
    assert "said-openly" in text
    assert not [one for one in KEPT if one in text]


def test_a_secret_that_is_cut_off_is_masked_too(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(base)

    class Api:
        def logs(self, name: str, tail: int) -> bytes:  # noqa: ARG002
            return f"{KEPT[1]} {'x' * 289}".encode()

    class Client:
        api = Api()

    seen = ComposeContainers("shop")
    monkeypatch.setitem(seen.__dict__, "_client", Client())
    assert seen.last_lines(container("app", "v1")).startswith("*** xx")
