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
from tests.smoke.faulty_service import reply, serving


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


def _asking() -> int:
    return sum(thread.name == "canaryctl-http" for thread in threading.enumerate())


def test_headers_that_drip_are_given_up_in_time_and_asked_for_once(tmp_path: Path) -> None:
    http = BoundedHttp(SystemClock(), timeout=0.3, limit=1000)
    with serving(tmp_path) as service, closing(http):
        service.routes["GET /health"].drip = 0.02
        began = time.monotonic()
        with pytest.raises(OutOfTimeError, match=r"no complete answer within 0\.3 s"):
            http.request("GET", f"{service.url}/health")
        assert 0.3 <= time.monotonic() - began < 3
        until = time.monotonic() + 10
        while _asking() and time.monotonic() < until:
            time.sleep(0.01)
        assert _asking() == 0  # its connection was closed, and with it the thread has ended
        assert len(service.seen) == 1
        service.routes["GET /health"].drip = 0
        assert http.request("GET", f"{service.url}/health").status == 200


def test_one_that_drips_does_not_cost_another_its_answer(tmp_path: Path) -> None:
    http = BoundedHttp(SystemClock(), timeout=5, limit=1000)
    with serving(tmp_path) as service, closing(http), ThreadPoolExecutor(1) as pool:
        service.routes["GET /slow"] = reply({"slow": True}, delay=1.2)
        service.routes["GET /health"].drip = 0.02
        slow = pool.submit(http.request, "GET", f"{service.url}/slow")
        with pytest.raises(OutOfTimeError):
            http.request("GET", f"{service.url}/health", timeout=0.1)
        assert slow.result(10).body == b'{"slow": true}'
