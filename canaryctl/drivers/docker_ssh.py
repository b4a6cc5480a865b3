"""A Docker Engine behind ``ssh://``, as ``docker`` reaches it: ``ssh … docker system dial-stdio``.

The SDK's own way needs another SSH implementation installed, and waits without any limit. Here
``ssh`` talks through a socket, so every wait has the limit that it has with other engines, and
keys, hosts and jumps are those of the user's own configuration.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import tempfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests.adapters
import urllib3.connection
import urllib3.connectionpool

from canaryctl.core.redaction import SECRETS

if TYPE_CHECKING:
    import docker

_ENGINE = "tcp://docker-over-ssh:2375"  # a name that is never looked up
_NEVER_ASKS = ("-o", "BatchMode=yes")
_REMOTE = "docker system dial-stdio"
# Seconds for ssh: to end when nobody listens any more, and when it is told to.
_ENDS_ITSELF, _ENDS_WITHIN = 0.5, 2.0
_MOST_SAID = 300
_MOST_CAUSES = 50


class SshError(OSError):
    """``ssh`` ended without an answer; the text is what it said."""


def ssh_client(url: str, timeout: int) -> docker.DockerClient:
    """Reach an engine and make sure that it answers.

    Args:
        url: ``ssh://[user@]host[:port]``.
        timeout: seconds for each single request.

    Raises:
        ValueError: the URL names no host.
        requests.RequestException: no answer; see ``ssh_said``.
    """
    import docker  # noqa: PLC0415  190 ms
    from docker.constants import MINIMUM_DOCKER_API_VERSION  # noqa: PLC0415

    command = _command(url, timeout)
    # With a version the SDK asks nothing until the requests can get there.
    first = docker.APIClient(_ENGINE, version=MINIMUM_DOCKER_API_VERSION, timeout=timeout)
    try:
        _through(first, command)
        version = str(first.version(api_version=False)["ApiVersion"])
    finally:
        first.close()
    client = docker.DockerClient(_ENGINE, version=version, timeout=timeout)
    _through(client.api, command)
    return client


def ssh_said(error: BaseException) -> str | None:
    """Find what ``ssh`` said among the causes of an error; None when it was something else."""
    left: list[Any] = [error]
    for one in left:
        if isinstance(one, SshError):
            return str(one)
        if isinstance(one, BaseException) and len(left) < _MOST_CAUSES:
            left += [one.__cause__, one.__context__, *one.args, getattr(one, "reason", None)]
    return None


def _command(url: str, timeout: int) -> list[str]:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"{url} names no host")
    if parts.password:
        raise ValueError("a password in an ssh:// URL is not used: give ssh a key")
    user = ["-l", parts.username] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    wait = ["-o", f"ConnectTimeout={timeout}"]
    return ["ssh", *_NEVER_ASKS, *wait, *user, *port, "--", parts.hostname, _REMOTE]


def _through(client: docker.APIClient, command: list[str]) -> None:
    client.trust_env = False  # a proxy of the environment is none for this
    client.mount("http://", _Adapter(command))


class _Adapter(requests.adapters.HTTPAdapter):
    """Requests whose connections are processes."""

    def __init__(self, command: list[str]) -> None:
        class Connection(_Connection):
            argv = command

        class Pool(urllib3.connectionpool.HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make connections of our own kind."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": self._pool}


class _Connection(urllib3.connection.HTTPConnection):
    argv: list[str]
    _socket: _Socket | None = None

    def connect(self) -> None:
        """Start ``ssh`` at the other end of a pair of sockets."""
        self._socket = _Socket.to(self.argv)
        limit = self.timeout
        self._socket.settimeout(limit if isinstance(limit, int | float) else None)
        self.sock = self._socket

    def getresponse(self) -> Any:
        """Read the answer; where there is none, say what ``ssh`` said."""
        try:
            return super().getresponse()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            said = self._socket.said if self._socket else ""
            raise SshError(f"ssh: {said or error}") from error


class _Socket(socket.socket):
    """Our end; ``ssh`` ends when it is closed, by whoever was the last to read from it.

    Attributes:
        said: what ``ssh`` wrote for people, once it has ended.
    """

    said: str = ""
    _process: subprocess.Popen[bytes]
    _errors: IO[bytes]

    @classmethod
    def to(cls, argv: list[str]) -> _Socket:
        """Start ``ssh``."""
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115  open as long as ssh runs
        try:
            with theirs:
                # A session of its own: Ctrl-C may not cut what takes traffic back.
                process = subprocess.Popen(
                    argv,
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=errors,
                    start_new_session=True,
                )
        except OSError as error:
            ours.close()
            errors.close()
            raise SshError(f"ssh cannot be started: {error}") from error
        made = cls(fileno=ours.detach())
        made._process, made._errors = process, errors
        return made

    def _real_close(self) -> None:  # as ssl.SSLSocket does, for the same reason
        super()._real_close()  # type: ignore[misc]
        if not self._errors.closed:
            self._end()

    def _end(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDS_ITSELF)
        self._process.terminate()
        try:
            self._process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read(4096).decode(errors="replace").splitlines()
        self._errors.close()
        said = SECRETS.hide("; ".join(line.strip() for line in lines if line.strip()))
        self.said = "".join(c if c.isprintable() else " " for c in said)[:_MOST_SAID]
