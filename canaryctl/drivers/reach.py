"""Reading ``host:port`` and finding out whether anything accepts connections there."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from canaryctl.core.errors import ConfigError

_DEFAULT_PORT = 80  # what NGINX takes for a server line without one
_MAX_PORT = 65_535
_MAX_PARALLEL = 16


class Answer(StrEnum):
    """What became of one attempt to connect."""

    ACCEPTED = "accepts connections"
    REFUSED = "refuses connections"
    SILENT = "does not answer"


@dataclass(frozen=True, slots=True)
class Address:
    """A server of an upstream as it is written in the configuration."""

    host: str
    port: int

    @property
    def literal(self) -> bool:
        """Whether ``host`` is an IP address and nothing is to be looked up."""
        return is_ip(self.host)

    @property
    def loopback(self) -> bool:
        """Whether it means the very place where it is used."""
        if self.literal:
            return ipaddress.ip_address(self.host).is_loopback
        return self.host.lower() == "localhost"


def parse_address(text: str) -> Address:
    """Read ``app:8000``, ``10.0.0.5:8000``, ``[::1]:8000`` or ``app`` (port 80, as NGINX does).

    Raises:
        ConfigError: it is none of these.
    """
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(_DEFAULT_PORT)
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    sound = bool(bare) and not any(c.isspace() or c in "/[]" for c in bare)
    if bracketed or ":" in bare:
        sound = sound and bracketed and is_ip(bare)
    if not sound or not (port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT):
        raise ConfigError(
            f"address {text!r} is not host:port",
            next_step="Write a name or an IP address and a port, such as app:8000.",
        )
    return Address(bare, int(port))


def is_ip(text: str) -> bool:
    """Tell an IP address from a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def peer(ip: str, port: int) -> str:
    """Write a peer as NGINX does: IPv6 in brackets."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def knock(ip: str, port: int, timeout: float) -> Answer:
    """Try to open a TCP connection; ``timeout`` in seconds."""
    try:
        with socket.create_connection((ip, port), timeout=timeout) as connection:
            # A port of the ephemeral range that nobody listens on can, by chance, be given to
            # this very connection, which then is connected to itself.
            own = connection.getsockname() == connection.getpeername()
            return Answer.REFUSED if own else Answer.ACCEPTED
    except ConnectionRefusedError:
        return Answer.REFUSED
    except OSError:
        return Answer.SILENT


def knock_all(ips: Sequence[str], port: int, timeout: float) -> dict[str, Answer]:
    """Try every peer at once, so that many silent ones take no longer than one."""
    if not ips:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(ips), _MAX_PARALLEL)) as pool:
        answers = pool.map(lambda ip: knock(ip, port, timeout), ips)
        return {peer(ip, port): answer for ip, answer in zip(ips, answers, strict=True)}


def look_up(name: str, timeout: float) -> tuple[str, ...] | None:
    """Resolve a name on this machine, as an NGINX here would.

    Args:
        name: what to look up.
        timeout: seconds. The system's resolver has no limit of its own that could be set.

    Returns:
        The addresses in the order given, none when the name is unknown; None when the
        resolver did not answer in time.
    """
    found: list[tuple[str, ...]] = []

    def resolve() -> None:
        try:
            infos = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found.append(())
        else:
            found.append(tuple(dict.fromkeys(str(info[4][0]) for info in infos)))

    # A daemon: a resolver that hangs must not keep the process from ending.
    thread = threading.Thread(target=resolve, name=f"look up {name}", daemon=True)
    thread.start()
    thread.join(timeout)
    return found[0] if found else None


def describe(answers: dict[str, Answer]) -> str:
    """Say what each peer did."""
    return ", ".join(f"{name} {answer}" for name, answer in answers.items())
