"""One hook: a program, or a URL that is told. However it ends, a result comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from canaryctl.core.errors import CanaryctlError
from canaryctl.core.gate import Status
from canaryctl.core.hooks import Hook, HookFacts, HookResult
from canaryctl.core.redaction import SECRETS
from canaryctl.core.visible import visible
from canaryctl.drivers.command import Ran, run
from canaryctl.drivers.http_address import Address
from canaryctl.drivers.http_errors import OutOfTimeError
from canaryctl.ports import Clock

MOST_ANSWERED = 65_536
"""Bytes of an answer that are read; only its last line is shown."""
_LAST_OK = 299
_LONGEST = 300
"""Characters of what a hook said last."""
_LOOK_EVERY = 0.05
_CUT_SHORT = "it was ended before its end"

Stopped = Callable[[], object]


def run_hook(
    hook: Hook, facts: HookFacts, clock: Clock, base: Path, stopped: Stopped
) -> HookResult:
    """Run it to its end, bounded by its timeout. Never raises.

    Args:
        hook: what is run.
        facts: what it is told.
        clock: tells how long it takes.
        base: where its program runs, and what a relative one is relative to.
        stopped: asked again and again, in the caller's thread; once it gives something true the
            program is ended, and no answer is waited for any more.
    """
    began = clock.now()
    try:
        if hook.url:
            return _told_aside(hook, facts, clock, stopped)
        return _ran(hook, facts, clock, base, stopped)
    except Exception as error:  # noqa: BLE001  whatever a hook leads to, it is its own failure
        return _broken(hook, error, clock.now() - began)


def _broken(hook: Hook, error: Exception, seconds: float) -> HookResult:
    known = isinstance(error, CanaryctlError)
    said = str(error) if known else f"{type(error).__name__}: {error}"
    return HookResult(hook.name, Status.ERROR, _shown(said), seconds=seconds)


def _ran(hook: Hook, facts: HookFacts, clock: Clock, base: Path, stopped: Stopped) -> HookResult:
    env = {name: SECRETS.hide(value) for name, value in facts.environment().items()}
    ran = run(hook.command, clock, hook.timeout, cwd=base, env=env, stopped=stopped)
    said = f"{_ended(ran, hook.timeout)}{_words(ran.last_words)}"
    status = Status.PASS if ran.code == 0 else Status.FAIL
    return HookResult(hook.name, status, said, value=ran.code, seconds=ran.seconds)


def _ended(ran: Ran, timeout: float) -> str:
    if ran.code is None:
        late = ran.seconds >= timeout
        return f"it did not end within {timeout:g} s" if late else _CUT_SHORT
    how = f"exit code {ran.code}" if ran.code >= 0 else f"ended by signal {-ran.code}"
    return f"{how} after {ran.seconds:.1f} s"


def _words(last: str) -> str:
    """Give the last thing that it said, as the end of a sentence."""
    said = _shown(last.strip())
    return f": {said[:_LONGEST]}" if said else ""


def _shown(said: str) -> str:
    """Make it safe for everyone who reads it later: terminals, logs, the state, the journal."""
    return visible(SECRETS.hide(said))


def _told_aside(hook: Hook, facts: HookFacts, clock: Clock, stopped: Stopped) -> HookResult:
    """Tell it in a thread, so that whoever waits can give signs of life, and end the wait."""
    began = clock.now()
    results: list[HookResult] = []

    def tell() -> None:
        try:
            results.append(_told(hook, facts, clock))
        except Exception as error:  # noqa: BLE001  see ``run_hook``
            results.append(_broken(hook, error, clock.now() - began))

    # A daemon: nobody waits for a server that does not answer, once the wait was ended.
    thread = Thread(target=tell, name=f"hook {hook.name}", daemon=True)
    thread.start()
    while thread.is_alive():
        if stopped():
            seconds = clock.now() - began
            return HookResult(hook.name, Status.FAIL, _CUT_SHORT, seconds=seconds)
        thread.join(_LOOK_EVERY)
    return results[0]


def _told(hook: Hook, facts: HookFacts, clock: Clock) -> HookResult:
    """Send the facts; 2xx is what lets it pass."""
    import httpx  # noqa: PLC0415  115 ms

    from canaryctl.drivers.http_deadline import bounded  # noqa: PLC0415  needs httpx

    address = Address.parse(hook.url, key=f"hook {hook.name}")
    body = SECRETS.hide(json.dumps(facts.record())).encode()
    headers = {"User-Agent": "canaryctl", "Content-Type": "application/json", **hook.headers}
    began = clock.now()
    answered = bytearray()
    try:
        with (
            httpx.Client(
                timeout=hook.timeout, follow_redirects=False, trust_env=not address.is_loopback
            ) as client,
            bounded(client, clock).within(hook.timeout),
            client.stream(
                "POST", address.url, content=body, headers=headers, auth=address.credentials
            ) as answer,
        ):
            for piece in answer.iter_bytes():
                answered += piece
                if len(answered) > MOST_ANSWERED or clock.now() - began > hook.timeout:
                    break
    except OutOfTimeError as error:
        said = f"{_host(hook)} gave {error}"
        return HookResult(hook.name, Status.FAIL, said, seconds=clock.now() - began)
    except httpx.TimeoutException:
        said = f"{_host(hook)} gave no answer within {hook.timeout:g} s"
        return HookResult(hook.name, Status.FAIL, said, seconds=clock.now() - began)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = _shown(f"{_host(hook)} cannot be told: {error or type(error).__name__}")
        return HookResult(hook.name, Status.ERROR, said, seconds=clock.now() - began)
    seconds = clock.now() - began
    lines = bytes(answered[:MOST_ANSWERED]).decode(errors="replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), "")
    status = Status.PASS if answer.is_success else Status.FAIL
    said = f"HTTP {answer.status_code} after {seconds:.1f} s{_words(last)}"
    return HookResult(hook.name, status, said, float(answer.status_code), "≤", _LAST_OK, seconds)


def _host(hook: Hook) -> str:
    """Name who is told; path and query may hold a key."""
    return urlsplit(hook.url).netloc.rpartition("@")[2]
