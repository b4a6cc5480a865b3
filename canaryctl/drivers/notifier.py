"""Notices on their way to people, through apprise; each channel in a thread of its own.

apprise is imported there, on the first notice: it costs half a second that no weight may wait for.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from canaryctl.core.notice import Channel, Level, Notice, Occasion
from canaryctl.core.redaction import MASK, SECRETS
from canaryctl.drivers.aside import Aside
from canaryctl.ports import Clock

CLOSE_WITHIN = 10.0
"""Seconds for which undelivered notices are waited for at the end, all channels together."""
TEST_WITHIN = 20.0
"""Seconds that a test message may take."""
RETRIES = (1.0, 3.0)
"""Seconds before a notice that was not delivered is tried again."""
UNKNOWN = "apprise does not know such a URL, or it lacks a part"
"""What is wrong with a channel that is ``unknown``."""
_LONGEST = 300
_LOADING = threading.Lock()
"""Filters of warnings belong to the process: two threads may not put them back crosswise."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a notice at one channel.

    Attributes:
        channel: its name.
        problem: why it was not delivered, without secrets; empty: it was.
        seconds: how long that took.
    """

    channel: str
    problem: str
    seconds: float


@dataclass(slots=True)
class _Line:
    """A channel, its thread, and how many notices it did not take."""

    channel: Channel
    aside: Aside
    failed: int = 0


class Notifier:
    """Tells people. Nothing here raises, and nothing but ``close`` waits."""

    def __init__(self, channels: Sequence[Channel], clock: Clock) -> None:
        """Begin with nothing to tell.

        Args:
            channels: who is told.
            clock: for the wait at the end.
        """
        self._clock = clock
        self._lines = [_Line(one, Aside(f"notify {one.name}", clock)) for one in channels]

    def warm(self) -> None:
        """Have apprise imported by the time that it is needed: while nothing is moved yet."""
        for line in self._lines[:1]:
            line.aside.do(_warmed)

    def tell(self, notice: Notice) -> None:
        """Have it sent to every channel that wants it."""
        for line in self._lines:
            if line.channel.wants(notice):
                line.aside.do(partial(self._deliver, line, notice))

    def close(self, within: float = CLOSE_WITHIN) -> None:
        """Wait until all is delivered, or so many seconds."""
        until = self._clock.now() + within
        for line in self._lines:
            if left := line.aside.close(max(0.0, until - self._clock.now())):
                said = "notify: %s: %d not delivered within %g s of the end"
                _log.warning(said, line.channel.name, left, within)
            if line.failed > 1:
                said = "notify: %s: %d messages were not delivered; try `canaryctl notify test`"
                _log.warning(said, line.channel.name, line.failed)

    def _deliver(self, line: _Line, notice: Notice) -> None:
        problem = ""
        for pause in (0.0, *RETRIES):
            if line.aside.stopped.wait(pause):
                break
            problem = send(line.channel, notice)
            if not problem:
                return
        line.failed += 1
        if line.failed == 1:  # the others are counted, and said at the end
            said = "notify: %s: %r not delivered: %s"
            _log.warning(said, line.channel.name, notice.title, problem or "there was no time left")


def _warmed() -> None:
    with suppress(ImportError):  # whoever sends will say so
        _loaded()


def tried(channels: Sequence[Channel], notice: Notice, clock: Clock) -> tuple[Delivery, ...]:
    """Send a message to every channel, whatever it wants, once and at the same time.

    Never raises. Bounded by ``TEST_WITHIN``.
    """
    found: dict[str, Delivery] = {}
    began = clock.now()

    def one(channel: Channel) -> None:
        problem = send(channel, notice)
        found[channel.name] = Delivery(channel.name, problem, clock.now() - began)

    threads = [threading.Thread(target=one, args=(each,), daemon=True) for each in channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, began + TEST_WITHIN - clock.now()))
    late = f"no answer within {TEST_WITHIN:g} s"
    return tuple(found.get(o.name, Delivery(o.name, late, TEST_WITHIN)) for o in channels)


def unknown(channels: Sequence[Channel]) -> tuple[Channel, ...]:
    """Give those whose URL apprise cannot read: nothing would ever be delivered. Asks nobody."""
    found = []
    with _heard():
        apprise = _loaded()
        for one in channels:
            try:
                read = apprise.Apprise.instantiate(one.to)
            except Exception:  # noqa: BLE001  of plugins of any kind; it says what `None` says
                read = None
            if read is None:
                found.append(one)
    return tuple(found)


def send(channel: Channel, notice: Notice) -> str:
    """Send it once; gives why it was not delivered, without secrets. Empty: it was. Never raises.

    It goes out as plain text: what channels take for marks of a format is escaped by apprise.
    """
    try:
        with _heard() as said:
            apprise = _loaded()
            asset = apprise.AppriseAsset(
                app_id="canaryctl", app_desc="canaryctl", service_timeout=0
            )
            sender = apprise.Apprise(asset=asset)
            if not sender.add(channel.to):
                problem = UNKNOWN
            elif sender.notify(
                title=notice.title,
                body=notice.body,
                notify_type=_type(notice),
                body_format=apprise.NotifyFormat.TEXT,
            ):
                return ""
            else:
                problem = "; ".join(dict.fromkeys(said)) or "it was refused"
    except Exception as error:  # noqa: BLE001  a channel never changes an outcome
        problem = f"{type(error).__name__}: {error}"
    return _without_secrets(problem, channel)[:_LONGEST]


def _loaded() -> ModuleType:
    """Import apprise and all its plugins, some of which import what is deprecated."""
    with _LOADING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise  # noqa: PLC0415  see the module's docstring

        apprise.Apprise.instantiate("json://localhost")
    return apprise


def _type(notice: Notice) -> str:
    if notice.occasion is Occasion.SUCCEEDED or notice.occasion is Occasion.PROMOTED:
        return "success"
    return {Level.INFO: "info", Level.WARNING: "warning", Level.CRITICAL: "failure"}[notice.level]


def _without_secrets(text: str, channel: Channel) -> str:
    for secret in sorted(channel.secrets(), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return SECRETS.hide(text)


class _Kept(logging.Handler):
    """Keeps what this thread is told by apprise's log: there alone it says what went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(record.getMessage().strip())


@contextmanager
def _heard() -> Iterator[list[str]]:
    logger, kept = logging.getLogger("apprise"), _Kept()
    logger.propagate = False  # it would show addresses that are secrets
    logger.addHandler(kept)
    try:
        yield kept.said
    finally:
        logger.removeHandler(kept)
