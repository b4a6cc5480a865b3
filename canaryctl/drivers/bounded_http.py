"""HTTP: bounded in time and size, one place where httpx is used.

httpx is imported on the first request, not before: it costs 115 ms that ``status`` and
``rollback`` need not pay.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock, Thread
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
    from collections.abc import Callable, Mapping

    import httpx

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
_GRACE = 0.5
"""Seconds in which a request that is out of time may say so itself, which it says best."""


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
        self._client: httpx.Client | None = None
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
        within = self.timeout if timeout is None else timeout
        fields = dict(form) if form is not None else None

        def built(client: httpx.Client) -> httpx.Request:
            return client.build_request(
                method,
                url,
                params=fields if method == "GET" and fields else None,
                data=fields if method != "GET" else None,
                content=content,
                headers=dict(headers or {}),
                timeout=within,
            )

        def asked() -> None:
            try:
                with http_errors(url, within):
                    ended.append(self._asked(built, auth, within, lambda: repeats and waited_for))
            except Exception as error:  # noqa: BLE001  raised where it was asked for
                ended.append(error)

        ended: list[Answer | Exception] = []
        waited_for = True
        with http_errors(url, within):
            self.open()
        # httpx bounds each read, not their sum, nor the look-up of a name: a server that drips
        # its headers would hold us for ever. In a thread of its own it holds nobody.
        thread = Thread(target=asked, name="canaryctl-http", daemon=True)
        thread.start()
        thread.join(within + _GRACE)
        if not ended:
            waited_for = False
            self.close()  # which ends what still waits there
            raise OutOfTimeError(within)
        if isinstance(ended[0], Exception):
            raise ended[0]
        return ended[0]

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
                self._client.close()
                self._client = None

    def _asked(
        self,
        built: Callable[[httpx.Client], httpx.Request],
        auth: tuple[str, str] | None,
        within: float,
        repeats: Callable[[], bool],
    ) -> Answer:
        import httpx  # noqa: PLC0415 - see the module's docstring

        basic = httpx.BasicAuth(*auth) if auth else None
        client = self._opened()
        try:
            return self._once(client, built(client), basic, within)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if not repeats():
                raise
        except RuntimeError:  # closed before it was sent, because another one did not end
            if not client.is_closed:
                raise
        client = self._opened()
        return self._once(client, built(client), basic, within)

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

    def _opened(self) -> httpx.Client:
        import httpx  # noqa: PLC0415 - see the module's docstring

        tls = self._tls
        with self._opening:
            if self._client is None:
                self._client = httpx.Client(
                    headers=self._headers,
                    timeout=self.timeout,
                    # A redirect could carry credentials to somebody else.
                    follow_redirects=False,
                    trust_env=self._proxies,
                    verify=True if tls is None or tls.is_default else tls.context(),
                    transport=self._transport,
                )
            return self._client
