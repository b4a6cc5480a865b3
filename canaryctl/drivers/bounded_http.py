"""HTTP: bounded in time and size, one place where httpx is used.

httpx is imported on the first request, not before: it costs 115 ms that ``status`` and
``rollback`` need not pay.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from canaryctl.drivers.http_errors import (
    NoConnectionError,
    OutOfTimeError,
    RequestError,
    TooLargeError,
    http_errors,
)
from canaryctl.drivers.tls import Tls

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from canaryctl.drivers.http_deadline import Deadline
    from canaryctl.ports import Clock

__all__ = [
    "Answer",
    "BoundedHttp",
    "NoConnectionError",
    "OutOfTimeError",
    "RequestError",
    "TooLargeError",
]

_FRAMING = ("content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, whatever its status.

    Attributes:
        is_framed: whether its length was announced. If not, the connection's end was taken for
            the answer's, and it may lack a part.
        headers: names and values, in the order in which they came.
    """

    status: int
    reason: str
    content_type: str
    location: str
    body: bytes
    is_framed: bool
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str | None:
        """Give a header's value, None where it did not come; several are joined by commas."""
        found = [value for one, value in self.headers if one.lower() == name.lower()]
        return ", ".join(found) if found else None


class BoundedHttp:
    """A connection pool whose requests end. Safe to use from several threads.

    Attributes:
        timeout: seconds one request may take, from connecting to the answer's last byte.
        limit: bytes an answer may have, after decompression.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        timeout: float,
        limit: int,
        headers: Mapping[str, str] | None = None,
        tls: Tls | None = None,
        proxies: bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.timeout = timeout
        self.limit = limit
        self._clock = clock
        self._headers = {"User-Agent": "canaryctl", **(headers or {})}
        self._tls = tls
        self._proxies = proxies
        self._transport = transport
        self._client: tuple[httpx.Client, Deadline] | None = None
        self._opening = Lock()

    def request(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        repeats: bool = True,
    ) -> Answer:
        """Ask once; a second time only when the connection was dropped.

        A server may close a kept-alive connection at the moment it is used again, which says
        nothing about its health. Requests that read may be repeated; what changes something
        (``repeats=False``) is sent once.

        Args:
            method: with ``GET`` the form becomes the query string.
            url: complete address.
            form: fields.
            content: a body, instead of fields.
            headers: besides those of the pool.
            auth: user and password for basic authentication.
            timeout: seconds for this one, in place of the pool's.
            repeats: whether it may be sent a second time.

        Raises:
            RequestError: no complete answer; ``TooLargeError`` when it went on and on.
            ConfigError: a TLS file cannot be used.
        """
        import httpx  # noqa: PLC0415 - see the module's docstring

        fields = dict(form) if form is not None else None
        within = self.timeout if timeout is None else timeout
        with http_errors(url, within):
            client, deadline = self._opened()
            request = client.build_request(
                method,
                url,
                params=fields if method == "GET" and fields else None,
                data=fields if method != "GET" else None,
                content=content,
                headers=dict(headers or {}),
                timeout=within,
            )
            basic = httpx.BasicAuth(*auth) if auth else None
            with deadline.within(within):
                try:
                    return self._once(client, request, basic, within)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    if not repeats:
                        raise
                    return self._once(client, request, basic, within)

    def open(self) -> None:
        """Make ready what the first request needs, so that it is not in that one's time.

        Raises:
            ConfigError: a TLS file cannot be used.
        """
        self._opened()

    def close(self) -> None:
        """Close what is open. The next request opens it again."""
        with self._opening:
            if self._client is not None:
                self._client[0].close()
                self._client = None

    def _once(
        self,
        client: httpx.Client,
        request: httpx.Request,
        auth: httpx.BasicAuth | None,
        within: float,
    ) -> Answer:
        started = self._clock.now()
        response = client.send(request, auth=auth, stream=True)
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self.limit:
                    raise TooLargeError(
                        f"the answer is larger than {self.limit / 2**20:g} MiB and was cut off"
                    )
                if self._clock.now() - started > within:
                    raise OutOfTimeError(within)
        finally:
            response.close()
        return Answer(
            status=response.status_code,
            reason=response.reason_phrase,
            content_type=response.headers.get("content-type", ""),
            location=response.headers.get("location", ""),
            body=bytes(body),
            is_framed=not response.headers.keys().isdisjoint(_FRAMING),
            headers=tuple(response.headers.multi_items()),
        )

    def _opened(self) -> tuple[httpx.Client, Deadline]:
        import httpx  # noqa: PLC0415 - see the module's docstring

        from canaryctl.drivers.http_deadline import bounded  # noqa: PLC0415 - likewise

        tls = self._tls
        with self._opening:
            if self._client is None:
                client = httpx.Client(
                    headers=self._headers,
                    timeout=self.timeout,
                    # A redirect could carry credentials to somebody else.
                    follow_redirects=False,
                    trust_env=self._proxies,
                    verify=True if tls is None or tls.is_default else tls.context(),
                    transport=self._transport,
                )
                self._client = client, bounded(client, self._clock)
            return self._client
