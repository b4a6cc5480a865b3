"""Asking a version itself, past NGINX: is it well, and is it warm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from canaryctl.deploying.failed import DeployFailed
from canaryctl.deploying.side import Tick
from canaryctl.drivers.bounded_http import BoundedHttp, RequestError
from canaryctl.ports import Clock

TIMEOUT = 5.0
"""Seconds for one answer."""
LAST = 3
"""Answers at the end of a warm-up, of those that were sent, that all have to be 2xx."""
_LARGEST = 1_000_000
_GOOD = range(200, 300)


@dataclass(frozen=True, slots=True)
class Requests:
    """Asks one version.

    Attributes:
        urls: gives where it answers from here, without a slash at the end: one URL, or one of
            each server behind its address; none while its name does not resolve.
        path: what is asked for.
        clock: for the bounds.
        where: what is said when there is no URL.
    """

    urls: Callable[[], Sequence[str]]
    path: str
    clock: Clock
    where: str

    def probe(self) -> str:
        """Ask every server once; empty: all answer with 2xx, else what is wrong."""
        urls = self.urls()
        if not urls:
            return f"{self.where} has no address yet"
        http = self._http()
        try:
            return next(filter(None, (self._asked(http, url) for url in urls)), "")
        finally:
            http.close()

    def warm_up(self, count: int, within: float, tick: Tick) -> str:
        """Send so many requests, in turn to each server; gives what came of it, in words.

        Args:
            count: how many, 0 and up.
            within: seconds; what is not sent by then is left out, which is said.
            tick: see ``side.Tick``.

        Raises:
            DeployFailed: one of the last few that were sent was not answered with 2xx, or there
                was no time for any. One that ``tick`` stopped is not judged.
        """
        urls, began = self.urls(), self.clock.now()
        http, said, stopped = self._http(), list[str](), False
        try:
            while len(said) < count and self.clock.now() - began < within:
                if stopped := bool(tick()):
                    break
                at = len(said)
                said.append(self._asked(http, urls[at % len(urls)]) if urls else "no address")
        finally:
            http.close()
        sent, bad = len(said), sum(map(bool, said))
        if not stopped:
            _judge(said, count, within)
        more = f", {bad} of them not answered well" if bad else ""
        short = "" if sent == count else f" of {count}, then the time was up"
        return f"{sent}{short} requests to {self.path}{more}"

    def _http(self) -> BoundedHttp:
        return BoundedHttp(self.clock, timeout=TIMEOUT, limit=_LARGEST, proxies=False)

    def _asked(self, http: BoundedHttp, url: str) -> str:
        try:
            answer = http.request("GET", f"{url}{self.path}")
        except RequestError as error:
            return f"GET {url}{self.path}: {error}"
        if answer.status in _GOOD:
            return ""
        return f"GET {url}{self.path} answered {answer.status} {answer.reason}".rstrip()


def _judge(said: Sequence[str], count: int, within: float) -> None:
    """Have the end of a warm-up be good, also of one that was cut short.

    Raises:
        DeployFailed: it is not.
    """
    if count and not said:
        raise DeployFailed("warm-up", f"none of {count} requests was sent within {within:g} s")
    first = max(0, len(said) - LAST)
    for number, wrong in enumerate(said[first:], first + 1):
        if wrong:
            short = (
                "" if len(said) == count else f", of which {within:g} s were enough for {len(said)}"
            )
            raise DeployFailed("warm-up", f"request {number} of {count}{short}: {wrong}")
