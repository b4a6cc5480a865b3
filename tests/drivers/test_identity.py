"""Who answers behind an address, asked of real HTTP servers."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from canaryctl.core.errors import HostError
from canaryctl.core.redaction import Secrets
from canaryctl.drivers import identity
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.identity import Identities, Question
from canaryctl.ports import Identified, Located
from tests.fakes import FakeHost

Serve = Callable[..., str]


@contextmanager
def serving(body: bytes, status: int = 200) -> Iterator[str]:
    """Answer every GET so; gives ``ip:port``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that live as long as the test."""
    with ExitStack() as stack:
        yield lambda body, status=200: stack.enter_context(serving(body, status))


def asked(
    peers: dict[str, Sequence[str]], *questions: Question, release: str = "v2"
) -> tuple[Identified, ...]:
    """Ask with names that lead to these peers."""
    host = FakeHost(
        known={name: Located(tuple(behind), True, "") for name, behind in peers.items()}
    )
    return Identities(host, SystemClock(), questions).check(release)


def question(name: str = "canary:80", **more: str) -> Question:
    return Question("canary", (name,), "/version", **more)


@pytest.mark.parametrize(
    ("body", "more", "right"),
    [
        (b'{"release": "v2"}', {"field": "release"}, True),
        (b'{"release": "v1"}', {"field": "release"}, False),
        (b'{"release": "v22"}', {"field": "release"}, False),
        (b'{"app": {"build": 7}}', {"field": "app.build", "equals": "7"}, True),
        (b'{"app": 7}', {"field": "app.build", "equals": "7"}, False),
        (b'{"release": null}', {"field": "release"}, False),
        (b'{"release": ["v2"]}', {"field": "release"}, False),
        (b"not JSON: v2", {"field": "release"}, False),
        (b"[" * 90_000, {"field": "release"}, False),
        (b"this is v2, built today", {}, True),
        (b"this is v1", {}, False),
        (b"\xff\xfe v2", {}, True),
        (b"canary-v2", {"equals": "canary-{release}"}, True),
    ],
)
def test_what_a_peer_says_is_compared(
    serve: Serve, body: bytes, more: dict[str, str], right: bool
) -> None:
    peer = serve(body)
    (found,) = asked({"canary:80": [peer]}, question(**more))
    assert found.right is right, found
    assert (found.address, found.peer) == ("canary:80", peer)
    assert peer in found.said


def test_a_wrong_one_is_named_with_what_it_said_and_should_say(serve: Serve) -> None:
    peer = serve(b'{"release": "v1"}')
    (found,) = asked({"canary:80": [peer]}, question(field="release"))
    assert found.said == f"canary:80 ({peer}) says 'v1', not 'v2' (release of /version)"


def test_what_it_says_is_not_repeated_at_length(serve: Serve) -> None:
    (found,) = asked({"canary:80": [serve(b"x" * 50_000)]}, question())
    assert found.right is False
    assert len(found.said) < 200


def test_what_it_says_shows_no_secret_at_the_cut(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Secrets()
    known.know(["hunter2-of-the-shop"])
    monkeypatch.setattr("canaryctl.drivers.identity.SECRETS", known)
    (found,) = asked({"canary:80": [serve(b"x" * 50 + b" hunter2-of-the-shop")]}, question())
    assert "hunter2" not in found.said


def test_every_peer_behind_a_name_is_asked(serve: Serve) -> None:
    old, new = serve(b"v1"), serve(b"v2")
    found = asked({"canary:80": [old, new]}, question())
    assert {one.peer: one.right for one in found} == {old: False, new: True}


def test_an_error_page_that_says_the_right_thing_is_read(serve: Serve) -> None:
    (found,) = asked({"canary:80": [serve(b"down", 503)]}, question(field="release"))
    assert found.right is False
    assert "answers 503 without release of /version" in found.said


def test_one_that_cannot_be_asked_is_unknown_and_not_wrong(free_port: Callable[[], int]) -> None:
    peer = f"127.0.0.1:{free_port()}"
    (found,) = asked({"canary:80": [peer]}, question())
    assert found.right is None
    assert "cannot be asked who it is from here" in found.said


def test_one_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        peer = f"127.0.0.1:{silent.getsockname()[1]}"
        (found,) = asked({"canary:80": [peer]}, question())
    assert found.right is None


def test_a_peer_behind_both_versions_is_wrong_even_if_nobody_asks() -> None:
    found = asked(
        {"app:80": ["10.0.0.7:80"], "canary:80": ["10.0.0.7:80"]},
        Question("stable", ("app:80",)),
        Question("canary", ("canary:80",)),
    )
    assert [one.right for one in found] == [False]
    assert found[0].said == "10.0.0.7:80 is both canary:80 (canary) and app:80 (stable)"


def test_where_nobody_wants_to_know_nobody_is_asked() -> None:
    questions = Question("stable", ("app:80",)), Question("canary", ("canary:80",))
    assert asked({"app:80": ["10.0.0.7:80"], "canary:80": ["10.0.0.8:80"]}, *questions) == ()


def test_a_host_out_of_reach_is_said() -> None:
    host = FakeHost(unreachable="no route")
    with pytest.raises(HostError, match="no route"):
        Identities(host, SystemClock(), [question()]).check("v2")
