"""Where HTTP requests go, with what is secret in it kept apart."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from canaryctl.core.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A URL taken apart, so that what is secret in it is never printed.

    Attributes:
        url: what is requested; without user and password.
        display: what people see; without the query string too, which may hold a key.
        instance: ``host:port``, as Prometheus labels its targets.
        credentials: user and password, when the URL holds them.
    """

    url: str
    display: str
    instance: str
    credentials: tuple[str, str] | None

    @classmethod
    def parse(cls, text: str, *, key: str) -> Address:
        """Read a URL.

        Args:
            text: ``http://`` or ``https://``, a host, and what may follow.
            key: where it was configured, for the message.

        Raises:
            ConfigError: not such a URL.
        """
        shown = text.rpartition("@")[2].partition("?")[0]
        try:
            parts = urlsplit(text.strip())
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ConfigError(f"{key}: {shown!r} is not a URL: {error}") from None
        if parts.scheme not in _DEFAULT_PORTS or not host:
            raise ConfigError(
                f"{key}: {shown!r} is not an HTTP address",
                next_step=f"write {key} with its scheme, such as http://127.0.0.1:9090",
            )
        name = f"[{host}]" if ":" in host else host
        netloc = name if port is None else f"{name}:{port}"
        display = f"{parts.scheme}://{netloc}{parts.path}"
        return cls(
            url=f"{display}?{parts.query}" if parts.query else display,
            display=display,
            instance=f"{name}:{port or _DEFAULT_PORTS[parts.scheme]}",
            credentials=(
                (unquote(parts.username or ""), unquote(parts.password or ""))
                if parts.username or parts.password
                else None
            ),
        )

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, which no proxy stands before."""
        host = urlsplit(self.url).hostname or ""
        with suppress(ValueError):
            return ipaddress.ip_address(host).is_loopback
        return host == "localhost"
