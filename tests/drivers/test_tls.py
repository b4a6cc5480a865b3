"""Certificates towards metrics and gateway: real authorities, real servers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from canaryctl.core.errors import CanaryctlError, ConfigError, GatewayUnreachable
from canaryctl.core.selector import parse_selector
from canaryctl.core.series import QueryWanted, SeriesWanted, Version
from canaryctl.core.weight import Weight
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.prometheus import PrometheusMetrics
from canaryctl.drivers.scrape import ScrapeMetrics
from canaryctl.drivers.tls import Tls
from tests.drivers.certificates import Authority, Pair, server

CLOCK = SystemClock()
HERE = "IP:127.0.0.1,DNS:localhost"
GENERATION = b'{"generation":"7-abc","weight":"5","worker":"42"}'
VECTOR = b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}'
PAGE = b"requests_total 1\n"
SELECT = {version: {"version": version.value} for version in Version}
SECRET = "hunter2hunter2"  # noqa: S105


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Authority:
    return Authority.made(folder, "ours")


@pytest.fixture(scope="module")
def other(folder: Path) -> Authority:
    return Authority.made(folder, "other")


@pytest.fixture(scope="module")
def good(ours: Authority) -> Pair:
    return ours.signed("good", HERE)


@pytest.fixture(scope="module")
def client(ours: Authority) -> Pair:
    return ours.signed("client", "DNS:canaryctl")


def control(url: str, tls: Tls) -> object:
    return Control(url, CLOCK, tls).ask()


def prometheus(url: str, tls: Tls) -> object:
    query = QueryWanted("1")
    with PrometheusMetrics(url, SELECT, CLOCK, tls=tls, timeout=5) as metrics:
        return metrics.read([query], CLOCK.now()).values[query]


def scrape(url: str, tls: Tls) -> object:
    want = SeriesWanted(Version.CANARY, parse_selector("requests_total"))
    with ScrapeMetrics({Version.CANARY: [url]}, CLOCK, tls=tls) as metrics:
        return len(metrics.read([want], CLOCK.now()).series[want])


Ask = Callable[[str, Tls], object]
ASKERS = {"control": (control, GENERATION), "prometheus": (prometheus, VECTOR)}
ASKERS["scrape"] = (scrape, PAGE)


@pytest.fixture(params=sorted(ASKERS))
def asker(request: pytest.FixtureRequest) -> tuple[Ask, bytes]:
    return ASKERS[request.param]


def refused(ask: Ask, url: str, tls: Tls) -> str:
    with pytest.raises(CanaryctlError) as caught:
        ask(url, tls)
    said = str(caught.value)
    assert "\n" not in said
    assert "_ssl.c" not in said
    return said


def test_a_certificate_of_the_given_authority_is_accepted(
    asker: tuple[Ask, bytes], ours: Authority, good: Pair
) -> None:
    ask, body = asker
    with server(good, body) as served:
        assert ask(served.url, Tls("metrics", ours.ca_file))
        assert ask(served.url.replace("127.0.0.1", "localhost"), Tls("metrics", ours.ca_file))
    assert served.asked


@pytest.mark.parametrize(
    ("valid_for", "days", "authority", "why"),
    [
        (HERE, "2", "other", "not trusted here"),
        (HERE, "2", None, "not trusted here"),
        (HERE, "-1", "ours", "has expired"),
        ("DNS:elsewhere.example", "2", "ours", "for another (host name|address)"),
        ("IP:127.0.0.2", "2", "ours", "for another (host name|address)"),
    ],
)
def test_any_other_certificate_is_refused_before_anything_is_sent(
    asker: tuple[Ask, bytes],
    ours: Authority,
    other: Authority,
    valid_for: str,
    days: str,
    authority: str | None,
    why: str,
) -> None:
    ask, body = asker
    name = f"shown-{valid_for}-{days}".replace(":", "-").replace(",", "-")
    pair = ours.signed(name, valid_for, days)
    ca_file = {"ours": ours.ca_file, "other": other.ca_file, None: None}[authority]
    with server(pair, body) as served:
        said = refused(ask, served.url, Tls("metrics", ca_file))
    assert "certificate is not accepted" in said
    assert re.search(why, said), said
    assert not served.asked


def test_a_server_may_ask_who_we_are(
    asker: tuple[Ask, bytes], ours: Authority, other: Authority, good: Pair, client: Pair
) -> None:
    ask, body = asker
    stranger = other.signed("stranger", "DNS:canaryctl")
    with server(good, body, asks_for=ours.ca_file) as served:
        assert ask(served.url, Tls("metrics", ours.ca_file, client.cert, client.key))
        asked = len(served.asked)
        said = refused(ask, served.url, Tls("metrics", ours.ca_file))
        assert "client certificate" in said
        said = refused(ask, served.url, Tls("metrics", ours.ca_file, stranger.cert, stranger.key))
        assert "client certificate" in said
        assert len(served.asked) == asked


def test_both_may_be_in_one_file(ours: Authority, good: Pair, client: Pair, folder: Path) -> None:
    both = folder / "both.pem"
    both.write_bytes(Path(client.key).read_bytes() + Path(client.cert).read_bytes())
    with server(good, VECTOR, asks_for=ours.ca_file) as served:
        assert prometheus(served.url, Tls("metrics", ours.ca_file, str(both))) == (1.0,)


def test_a_server_without_tls_is_named_as_that(asker: tuple[Ask, bytes]) -> None:
    ask, body = asker
    with server(None, body) as served:
        assert "does not speak TLS" in refused(ask, served.url, Tls("metrics"))


def test_files_that_cannot_be_used_are_named(ours: Authority, client: Pair, folder: Path) -> None:
    locked = folder / "locked.key"
    command = ["openssl", "pkey", "-in", client.key, "-aes256", "-passout", "pass:x"]
    subprocess.run([*command, "-out", str(locked)], check=True, timeout=30)
    missing, junk = str(folder / "missing.pem"), folder / "junk.pem"
    junk.write_text("no certificate")
    for tls, named in (
        (Tls("metrics", missing), missing),
        (Tls("metrics", str(junk)), str(junk)),
        (Tls("gateway.tls", ours.ca_file, missing), missing),
        (Tls("gateway.tls", ours.ca_file, client.cert, str(locked)), str(locked)),
        (Tls("gateway.tls", ours.ca_file, client.cert, ours.at("key")), "cannot be used"),
    ):
        with pytest.raises(ConfigError, match="cannot be used") as caught:
            tls.context()
        assert named in str(caught.value)
        assert tls.key in str(caught.value)


def test_a_file_that_was_exchanged_during_a_proof_proves_nothing(good: Pair, folder: Path) -> None:
    with server(good, GENERATION) as served:
        broken = Control(served.url, CLOCK, Tls("gateway.tls", str(folder / "gone.pem")))
        with pytest.raises(GatewayUnreachable, match=r"gone\.pem"):
            broken.prove("7-abc", within=0.2)


def test_the_generation_is_proven_over_tls(ours: Authority, good: Pair) -> None:
    with server(good, GENERATION) as served:
        there = Control(served.url, CLOCK, Tls("gateway.tls", ours.ca_file))
        assert there.ask().weight == Weight.parse("5")
        assert there.prove("7-abc", within=10) >= 16


def test_a_redirect_is_not_followed_and_gets_no_credentials(ours: Authority, good: Pair) -> None:
    tls = Tls("metrics", ours.ca_file)
    with (
        server(good, VECTOR) as thief,
        server(good, b"", redirect=f"{thief.url}/api/v1/query?k={SECRET}") as served,
    ):
        with (
            PrometheusMetrics(served.url, SELECT, CLOCK, tls=tls, bearer_token=SECRET) as metrics,
            pytest.raises(CanaryctlError, match="307") as caught,
        ):
            metrics.read([], CLOCK.now())
        with pytest.raises(CanaryctlError):
            Control(served.url, CLOCK, tls).ask()
    assert served.asked[0]["Authorization"] == f"Bearer {SECRET}"
    assert thief.asked == []
    assert SECRET not in str(caught.value)
