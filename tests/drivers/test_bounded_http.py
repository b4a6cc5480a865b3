"""HTTP requests that cannot be sent, and those that do not end: one clear error each."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from canaryctl.drivers.bounded_http import (
    BoundedHttp,
    NoConnectionError,
    OutOfTimeError,
    RequestError,
)
from canaryctl.drivers.clock import SystemClock
from tests.fake_world import FakeClock
from tests.smoke.faulty_service import Reply, reply, serving


def asked(url: str, **more: str) -> RequestError:
    http = BoundedHttp(FakeClock(), timeout=5.0, limit=1000)
    with pytest.raises(RequestError) as caught:
        http.request("GET", url, headers=more)
    http.close()
    return caught.value


@pytest.mark.parametrize("host", ["db..internal", ".internal", "a" * 64 + ".internal"])
def test_a_name_that_nobody_can_look_up_is_said(host: str) -> None:
    error = asked(f"http://{host}:1/health")
    assert isinstance(error, NoConnectionError)
    assert "its name cannot be looked up" in str(error)


@pytest.mark.parametrize("url", ["http://[::1/", "http://xn--zz\u200b.x/", "http://a:port/"])
def test_what_is_no_url_is_said(url: str) -> None:
    assert "Invalid" in str(asked(url))


def test_a_header_that_cannot_be_sent_is_said_without_it() -> None:
    error = asked("http://127.0.0.1:1/", **{"X-Key": "sésame"})
    assert "a configured header, token or password" in str(error)
    assert "same" not in str(error)
    pool = BoundedHttp(FakeClock(), timeout=5.0, limit=1000, headers={"X-Key": "sésame"})
    with pytest.raises(RequestError, match="a configured header, token or password"):
        pool.request("GET", "http://127.0.0.1:1/")


def test_headers_that_drip_are_given_up_in_time_and_asked_for_once(tmp_path: Path) -> None:
    http = BoundedHttp(SystemClock(), timeout=0.3, limit=1000)
    with serving(tmp_path) as service, closing(http):
        service.routes["GET /health"].drip = 0.02
        began = time.monotonic()
        with pytest.raises(OutOfTimeError, match=r"no complete answer within 0\.3 s"):
            http.request("GET", f"{service.url}/health")
        assert 0.25 <= time.monotonic() - began < 3
        assert len(service.seen) == 1
        service.routes["GET /health"].drip = 0
        assert http.request("GET", f"{service.url}/health").status == 200


def test_so_they_are_by_way_of_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    http = BoundedHttp(SystemClock(), timeout=0.3, limit=1000)
    with serving(tmp_path) as service, closing(http):
        monkeypatch.setenv("http_proxy", service.url)
        service.routes["GET http://metrics.example/a"] = Reply(drip=0.02)
        with pytest.raises(OutOfTimeError):
            http.request("GET", "http://metrics.example/a")
        assert len(service.seen) == 1


def test_nothing_is_left_of_those_that_drip_nor_do_they_cost_others_theirs(
    tmp_path: Path,
) -> None:
    http = BoundedHttp(SystemClock(), timeout=30, limit=1000)

    def asked(path: str) -> str:
        within = 0.5 if path == "/drips" else None
        try:
            return http.request("GET", f"{service.url}{path}", timeout=within).body.decode()
        except OutOfTimeError:
            return "out of time"

    with serving(tmp_path) as service, closing(http):
        service.routes["GET /drips"] = Reply(drip=0.02)
        service.routes["GET /well"] = reply({"well": True}, delay=0.05)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(asked, ["/well"] * 8))
            before = len(threads_and_files())
            said = list(pool.map(asked, ["/drips", "/drips", "/well"] * 16))
            assert said == ["out of time", "out of time", '{"well": true}'] * 16
            assert len(threads_and_files()) <= before + 8  # a connection for each at once


def threads_and_files() -> list[str]:
    """Name this process' threads that ask, and the sockets that they hold."""
    sockets = [one for one in Path("/proc/self/fd").iterdir() if "socket" in _leads_to(one)]
    asking = [one for one in threading.enumerate() if "canaryctl" in one.name]
    return [*map(str, sockets), *map(str, asking)]


def _leads_to(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""
