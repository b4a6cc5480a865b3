"""Which engine is reached, and what is said when none is."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_connect import connect

NOWHERE = "unix:///nonexistent/docker.sock"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def _context(name: str, url: str) -> None:
    from docker import ContextAPI  # noqa: PLC0415

    ContextAPI.create_context(name, host=url)


def _tried(**options: Any) -> str:
    with pytest.raises(HostError, match="no Docker Engine answers") as caught:
        connect(**options)
    assert "docker ps" in caught.value.next_step
    return str(caught.value)


def test_the_configured_host_goes_before_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///other.sock")
    assert f"at {NOWHERE} (from the configuration)" in _tried(host=NOWHERE)


def test_the_configured_context_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _context("mine", NOWHERE)
    monkeypatch.setenv("DOCKER_HOST", "unix:///other.sock")
    assert f"at {NOWHERE} (from docker context 'mine'" in _tried(context="mine")


def test_the_environments_host_goes_before_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.setenv("DOCKER_CONTEXT", "mine")
    assert f"at {NOWHERE} (from DOCKER_HOST)" in _tried()


def test_the_environments_context_goes_before_the_current_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _context("mine", NOWHERE)
    (tmp_path / "config.json").write_text('{"currentContext": "other"}')
    monkeypatch.setenv("DOCKER_CONTEXT", "mine")
    assert f"at {NOWHERE} (from DOCKER_CONTEXT=mine)" in _tried()


def test_the_current_context_is_used(tmp_path: Path) -> None:
    _context("mine", NOWHERE)
    (tmp_path / "config.json").write_text('{"currentContext": "mine"}')
    assert f"at {NOWHERE} (from the current docker context 'mine')" in _tried()


def test_an_unknown_context_is_named_beside_the_known_ones() -> None:
    _context("mine", NOWHERE)
    with pytest.raises(HostError, match=r"'typo'.*known are: default, mine"):
        connect(context="typo")


def test_a_url_that_is_none_is_a_host_error() -> None:
    assert "nonsense" in _tried(host="nonsense://x")


def test_missing_certificates_are_a_host_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"(?i)tls|cert"):
        connect("tcp://127.0.0.1:1", tls_dir=str(tmp_path / "none"))


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_the_engine_answers(docker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _context("mine", docker_url)
    for client in (connect(docker_url), connect(context="mine")):
        assert client.ping()
        client.close()
    monkeypatch.setenv("DOCKER_HOST", docker_url)
    client = connect()
    assert client.ping()
    client.close()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A key pair for 127.0.0.1 that is its own authority, for both ends."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())
    return folder


@pytest.fixture
def tls_engine(certificates: Path, docker_engine: Any, docker_url: str) -> Iterator[str]:
    """The engine's own socket behind TLS that asks the client for a certificate."""
    assert docker_engine.ping()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    path = docker_url.removeprefix("unix://")
    if path == docker_url:
        pytest.skip("the engine for tests is not behind a Unix socket")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, context, path))
        thread.start()
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)


def _serve(listening: socket.socket, context: ssl.SSLContext, path: str) -> None:
    """Pass on one request a connection, one connection after the other."""
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(plain, server_side=True) as outer:
                outer.settimeout(5)
                _pass_on(outer, path)
        except OSError:
            plain.close()


def _pass_on(outer: ssl.SSLSocket, path: str) -> None:
    request = outer.recv(65_536).replace(b"Connection: keep-alive", b"Connection: close")
    with socket.socket(socket.AF_UNIX) as inner:
        inner.settimeout(5)
        inner.connect(path)
        inner.sendall(request)
        while data := inner.recv(65_536):
            outer.sendall(data)


@pytest.mark.docker
def test_a_tcp_engine_is_reached_with_tls_of_a_folder(tls_engine: str, certificates: Path) -> None:
    client = connect(tls_engine, tls_dir=str(certificates))
    assert client.ping()
    client.close()


@pytest.mark.docker
def test_a_tcp_engine_is_reached_with_tls_of_the_environment(
    tls_engine: str, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", tls_engine)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    client = connect()
    assert client.ping()
    client.close()


@pytest.mark.docker
def test_an_engine_that_wants_tls_refuses_without(tls_engine: str) -> None:
    assert tls_engine in _tried(host=tls_engine)


def test_an_engine_that_is_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        assert "timed out" in _tried(host=url, timeout=1).lower()


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, canaryctl.drivers.docker_host; print('docker' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert ended.stdout.strip() == "False"
