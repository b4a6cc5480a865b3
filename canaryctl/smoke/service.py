"""The requests of a suite: each is sent once, on a new connection, and ends in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from canaryctl.core.errors import ConfigError
from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.bounded_http import Answer, BoundedHttp, OutOfTimeError, RequestError
from canaryctl.drivers.http_address import Address
from canaryctl.smoke.target import Target

if TYPE_CHECKING:
    from canaryctl.ports import Clock

_NEW_CONNECTION = {"Connection": "close"}
"""One that was kept may be closed by the server just then, and nothing is sent a second time."""
_LARGEST = 8 * 2**20
_MOST_REDIRECTS = 5
_SEE_OTHER = 303
_REDIRECTS = {301, 302, _SEE_OTHER, 307, 308}
_BECOME_GET = {301, 302, _SEE_OTHER}


def address_of(url: str) -> Address:
    """Read where a version answers.

    Raises:
        ConfigError: it is no URL, or has a query, behind which no path can stand.
    """
    if "?" in url or "#" in url:
        raise ConfigError("the URL: paths are put behind it, so it ends before any ? or #")
    return Address.parse(url, key="the URL")


class Service:
    """What is tested, by HTTP.

    Attributes:
        shown: its URL without user and password.

    Raises:
        ConfigError: see ``address_of``; or a TLS file cannot be used.
    """

    def __init__(self, target: Target, headers: Mapping[str, str], clock: Clock) -> None:
        self._address = address_of(target.url)
        if self._address.credentials is not None:
            SECRETS.add([self._address.credentials[1]])
        self._base = self._address.url.rstrip("/")
        self._headers = _merged(_NEW_CONNECTION, headers, target.headers)
        self._clock = clock
        self._http = BoundedHttp(clock, timeout=1, limit=_LARGEST, tls=target.tls, proxies=False)
        self._http.open()
        self.shown = self._address.display.rstrip("/")

    def ask(
        self,
        method: str,
        path: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        follow: bool = False,
    ) -> Answer:
        """Send one request, and with ``follow`` what it is redirected to on the same server.

        Args:
            method: HTTP's.
            path: with its query.
            timeout: seconds for the whole answer, redirects included.
            headers: besides those of the suite and the target.
            content: the body.
            follow: whether redirects are followed.

        Raises:
            RequestError: no complete answer came in time; says why.
            ConfigError: a TLS file cannot be used.
        """
        url, began = f"{self._base}{path}", self._clock.now()
        sent = _merged(self._headers, headers or {})
        for hop in range(_MOST_REDIRECTS + 1):
            left = timeout - (self._clock.now() - began) if hop else timeout
            if left <= 0:
                raise RequestError(f"no complete answer within {timeout:g} s")
            answer = self._once(method, url, sent, content, timeout=left, whole=timeout)
            if not follow or answer.status not in _REDIRECTS or not answer.location:
                return answer
            url = self._onward(url, answer.location)
            if answer.status in _BECOME_GET and method not in ("GET", "HEAD"):
                method, content = "GET", None
        raise RequestError(f"more than {_MOST_REDIRECTS} redirects")

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        *,
        timeout: float,
        whole: float,
    ) -> Answer:
        try:
            return self._http.request(
                method,
                url,
                content=content,
                headers=headers,
                auth=self._address.credentials,
                timeout=timeout,
                repeats=False,
            )
        except OutOfTimeError:
            raise RequestError(f"no complete answer within {whole:g} s") from None

    def _onward(self, url: str, location: str) -> str:
        """Give where a redirect leads; never to another server, which headers would go to."""
        try:
            onward = urljoin(url, location)
            here, there = urlsplit(url), urlsplit(onward)
            elsewhere = (here.scheme, here.netloc) != (there.scheme, there.netloc)
        except ValueError:
            raise RequestError("a redirect to what is no URL") from None
        if elsewhere:
            raise RequestError(f"a redirect to another server, {there.scheme}://{there.hostname}")
        return onward


def _merged(*given: Mapping[str, str]) -> dict[str, str]:
    """Put later headers in the place of earlier ones, however their names are written."""
    found: dict[str, tuple[str, str]] = {}
    for headers in given:
        found |= {name.lower(): (name, value) for name, value in headers.items()}
    return dict(found.values())
