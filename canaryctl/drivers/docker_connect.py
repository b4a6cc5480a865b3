"""How a Docker Engine is reached: the same places, in the same order, as ``docker`` itself.

``docker`` costs about 190 ms to import, so that is left to the moment it is needed.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from canaryctl.core.errors import HostError
from canaryctl.core.redaction import SECRETS

if TYPE_CHECKING:
    import docker
    from docker.tls import TLSConfig

_DEFAULT = "default"
_KNOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Endpoint:
    url: str
    tls: TLSConfig | None
    chosen_by: str


def connect(
    host: str | None = None,
    context: str | None = None,
    timeout: int = 10,
    tls_dir: str | None = None,
) -> docker.DockerClient:
    """Reach an engine and make sure that it answers.

    The first of these that is set decides: ``host``, ``context``, ``$DOCKER_HOST``,
    ``$DOCKER_CONTEXT``, the current context of Docker's ``config.json``, the default socket.

    Args:
        host: ``unix://``, ``tcp://``, ``npipe://`` or ``ssh://`` URL.
        context: name of a docker context.
        timeout: seconds for each single request.
        tls_dir: folder with ``ca.pem``, ``cert.pem`` and ``key.pem`` for a ``tcp://`` host;
            left out, ``$DOCKER_CERT_PATH`` and ``$DOCKER_TLS_VERIFY`` say what ``docker`` does.

    Raises:
        HostError: the context is unknown, or the engine does not answer.
    """
    import docker  # noqa: PLC0415
    import requests  # noqa: PLC0415

    from canaryctl.drivers.docker_ssh import ssh_client, ssh_said  # noqa: PLC0415

    with engine_errors("cannot tell how Docker is reached"):
        endpoint = _chosen(host, context, tls_dir)
    try:
        _knock(endpoint.url)
        if endpoint.url.startswith("ssh://"):
            return ssh_client(endpoint.url, timeout)
        return docker.DockerClient(
            base_url=endpoint.url,
            timeout=timeout,
            tls=endpoint.tls or False,
        )
    except (
        docker.errors.DockerException,
        requests.exceptions.RequestException,
        OSError,
        ValueError,
    ) as error:
        at = SECRETS.hide(f"{endpoint.url} (from {endpoint.chosen_by})")
        raise HostError(
            f"no Docker Engine answers at {at}: {ssh_said(error) or SECRETS.hide(str(error))}",
            next_step=(
                "Start Docker, or check that this user may use it (docker ps); another engine is "
                "chosen by gateway.docker_host, gateway.docker_context or DOCKER_HOST."
            ),
        ) from error


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Translate what the SDK raises into a ``HostError`` that says what was being done."""
    import docker  # noqa: PLC0415
    import requests  # noqa: PLC0415

    from canaryctl.drivers.docker_ssh import ssh_said  # noqa: PLC0415

    try:
        yield
    except docker.errors.APIError as error:
        raise HostError(f"{doing}: {error.explanation or error}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        # A timeout while an answer is read comes as a ConnectionError around the real one.
        late = isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error)
        raise HostError(
            f"{doing}: {'no answer in time' if late else ssh_said(error) or error}",
            next_step="See whether `docker ps` answers on that engine.",
        ) from error


def _chosen(host: str | None, context: str | None, tls_dir: str | None) -> _Endpoint:
    if host:
        return _Endpoint(host, _tls(host, tls_dir), "the configuration")
    if context:
        return _from_context(context, f"docker context {context!r} of the configuration")
    if url := os.environ.get("DOCKER_HOST"):
        return _Endpoint(url, _tls(url, tls_dir), "DOCKER_HOST")
    if named := os.environ.get("DOCKER_CONTEXT"):
        return _from_context(named, f"DOCKER_CONTEXT={named}")
    from docker.context.config import get_current_context_name  # noqa: PLC0415

    current = get_current_context_name() or _DEFAULT
    return _from_context(current, f"the current docker context {current!r}")


def _knock(url: str) -> None:
    """Try a Unix socket by itself: says plainly what is wrong, and the SDK would leak its own."""
    if not url.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_KNOCK_SECONDS)
        probe.connect("/" + url.removeprefix("unix://").lstrip("/"))


def _from_context(name: str, chosen_by: str) -> _Endpoint:
    from docker import ContextAPI  # noqa: PLC0415
    from docker.constants import (  # noqa: PLC0415
        DEFAULT_NPIPE,
        DEFAULT_UNIX_SOCKET,
        IS_WINDOWS_PLATFORM,
    )

    if name == _DEFAULT:
        default = DEFAULT_NPIPE if IS_WINDOWS_PLATFORM else DEFAULT_UNIX_SOCKET
        return _Endpoint(default.removeprefix("http+"), None, "Docker's default socket")
    try:
        found = ContextAPI.get_context(name)
    except Exception as error:  # the SDK raises nothing narrower for a damaged file
        raise HostError(f"{chosen_by} cannot be read: {error}") from error
    if found is None or not found.Host:
        known = ", ".join(sorted((_DEFAULT, *_known_contexts())))
        raise HostError(
            f"there is no {chosen_by} with an engine; known are: {known}",
            next_step="List them with `docker context ls` and set gateway.docker_context.",
        )
    tls = found.TLSConfig
    pinned = _pinned(tls.cert, tls.ca_cert, verify=bool(tls.verify)) if tls else None
    return _Endpoint(found.Host.removeprefix("http+"), pinned, chosen_by)


def _known_contexts() -> Iterator[str]:
    from docker.context.config import get_meta_dir  # noqa: PLC0415

    for meta in Path(get_meta_dir()).glob("*/meta.json"):
        yield str(json.loads(meta.read_bytes()).get("Name", meta.parent.name))


def _tls(url: str, tls_dir: str | None) -> TLSConfig | None:
    verify = bool(os.environ.get("DOCKER_TLS_VERIFY"))
    folder = tls_dir or os.environ.get("DOCKER_CERT_PATH")
    if not url.startswith(("tcp://", "https://")) or not (folder or verify):
        return None
    at = Path(folder) if folder else Path.home() / ".docker"
    # Who names a folder in the configuration wants the engine verified; the environment's two
    # variables mean what they mean to `docker`.
    keys = (str(at / "cert.pem"), str(at / "key.pem"))
    return _pinned(keys, str(at / "ca.pem"), verify=verify or tls_dir is not None)


def _pinned(cert: tuple[str, str] | None, ca_cert: str | None, *, verify: bool) -> TLSConfig:
    from docker.tls import TLSConfig  # noqa: PLC0415

    class Pinned(TLSConfig):
        """requests lets ``REQUESTS_CA_BUNDLE`` go before the authority that was asked for."""

        def configure_client(self, client: docker.APIClient) -> None:
            super().configure_client(client)
            client.trust_env = False

    return Pinned(client_cert=cert, ca_cert=ca_cert, verify=verify)
