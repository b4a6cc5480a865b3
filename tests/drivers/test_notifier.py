"""Notices through the real apprise, to real servers on loopback."""

from __future__ import annotations

import logging

import pytest

from canaryctl.core.notice import Channel, Level, Notice, Occasion
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.notifier import Notifier, send, tried
from tests.sink import sink

NOTICE = Notice(Occasion.ROLLED_BACK, "shop v1: rolled back", "error rate: <b>5 %</b> *bad* & _so_")


def said_by_us(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name.startswith("canaryctl")]


def test_a_notice_comes_as_it_was_written() -> None:
    with sink() as there:
        assert send(Channel("team", there.channel), NOTICE) == ""
    body = there.told[0].body
    assert (body["title"], body["message"]) == (NOTICE.title, NOTICE.body)
    assert body["type"] == "warning"


def test_why_it_was_not_delivered_is_said_without_the_address() -> None:
    with sink() as there:
        there.status = 403
        refused = send(Channel("team", f"{there.channel}/path-with-key-1"), NOTICE)
    assert "403" in refused
    gone = send(Channel("team", "json://ann:sesame-open@127.0.0.1:1/path-with-key-1"), NOTICE)
    unknown = send(Channel("team", "slak://TokenAAA1/TokenBBB2"), NOTICE)
    assert "Connection error" in gone
    assert unknown == "apprise does not know such a URL, or it lacks a part"
    for secret in ("sesame", "sink-password", "path-with-key-1", "Token"):
        assert secret not in refused + gone + unknown


def test_one_channel_does_not_wait_for_another(caplog: pytest.LogCaptureFixture) -> None:
    with sink() as there, sink(hangs=True) as hangs:
        channels = [
            Channel("hangs", f"{hangs.channel}?rto=60"),
            Channel("team", there.channel),
            Channel("critical", there.channel, severity=Level.CRITICAL),
        ]
        notifier = Notifier(channels, SystemClock())
        notifier.warm()
        notifier.tell(NOTICE)
        notifier.tell(Notice(Occasion.SUCCEEDED, "shop v1: succeeded", "every gate passed"))
        with caplog.at_level(logging.WARNING):
            notifier.close(8.0)
        assert there.titles() == ["shop v1: rolled back", "shop v1: succeeded"]
        assert said_by_us(caplog) == ["notify: hangs: 2 not delivered within 8 s of the end"]


def test_what_is_not_delivered_is_tried_again_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with sink() as there:
        there.status = 500
        notifier = Notifier([Channel("team", there.channel)], SystemClock())
        notifier.tell(NOTICE)
        notifier.tell(NOTICE)
        with caplog.at_level(logging.WARNING):
            notifier.close(20.0)
        assert len(there.told) == 6
    first, last = said_by_us(caplog)
    assert first.startswith("notify: team: 'shop v1: rolled back' not delivered: ")
    assert last == "notify: team: 2 messages were not delivered; try `canaryctl notify test`"


def test_a_test_asks_every_channel_whatever_it_wants() -> None:
    with sink() as there:
        channels = [
            Channel("quiet", there.channel, frozenset({Occasion.UNPROVEN}), Level.CRITICAL),
            Channel("gone", "json://127.0.0.1:1/"),
        ]
        quiet, gone = tried(channels, Notice(Occasion.TEST, "a test", "by me"), SystemClock())
    assert (quiet.channel, quiet.problem) == ("quiet", "")
    assert there.titles() == ["a test"]
    assert (gone.channel, "Connection error" in gone.problem) == ("gone", True)
