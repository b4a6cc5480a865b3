"""HTTP requests that cannot even be sent: one clear error each."""

from __future__ import annotations

import pytest

from canaryctl.drivers.bounded_http import BoundedHttp, NoConnectionError, RequestError
from tests.fake_world import FakeClock


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
