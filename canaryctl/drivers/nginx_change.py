"""Making one change, and what is heard of it. What is not taken leaves all as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

from canaryctl.core.errors import ConfigError, ConfigurationRefused, HostError, Superseded
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_restore import LOST, Before
from canaryctl.drivers.nginx_stage import Stage, failed
from canaryctl.drivers.nginx_survey import complaint
from canaryctl.ports import Absent, Expect, Host, Reload, Run, Step, Swap


class ChangedError(Exception):
    """The live file is not what it was when it was last known; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A change that was made, and what was heard while it was.

    Attributes:
        place: its files.
        before: what was live.
        after: what is to be live.
        words: for the message, when the change cannot be proven.
        hopeless: NGINX was not told to reload, so there is nothing to wait for.
        left: its staged files may be there still.
    """

    place: Stage
    before: Before
    after: Before
    words: str = ""
    hopeless: bool = False
    left: bool = False


def made(host: Host, tried: Tried, weight: Weight) -> Tried:
    """Have the host make the change; tells what was heard of it.

    Raises:
        ChangedError: the live file is not what ``tried.before`` says.
        Superseded: somebody else holds the gateway by now; nothing was changed.
        ConfigError: NGINX refuses the text.
        ConfigurationRefused: NGINX refuses it for a name that does not resolve.
        HostError: it could not be written or swapped in.
    """
    place = tried.place
    steps = place.change(tried.after.text or "", tried.before.text)
    try:
        done = host.perform(steps)
    except HostError as error:
        # Nothing is known about how far it came; NGINX itself will tell.
        return replace(tried, words=str(error), left=True)
    match failed(steps, done):
        case None:
            words = f"NGINX said: {complaint(done.output)}" if done.output.strip() else ""
            return replace(tried, words=words)
        case Expect() | Absent() as step:
            host.perform(place.cleaned())
            if step in place.fence:
                raise Superseded(LOST)
            raise ChangedError
        case step if done.completed <= steps.index(Swap(place.staged, place.live)):
            host.perform(place.cleaned())
            refuse(step, place, weight, done.output)
        case Reload():
            host.perform(place.cleaned())
            words = f"NGINX was not told to reload: {complaint(done.output)}"
            return replace(tried, words=words, hopeless=True)
    words = f"not all staged files could be removed: {done.output.strip()}"
    return replace(tried, words=words, left=True)


def refuse(step: Step, place: Stage, weight: Weight, output: str) -> NoReturn:
    """Say why a configuration is not taken; always raises."""
    if isinstance(step, Swap):
        raise HostError(f"{place.live} could not be replaced: {output.strip()}")
    if not isinstance(step, Run):
        raise HostError(f"the new configuration could not be written: {output.strip()}")
    said = complaint(output).replace(place.staged, f"the configuration for {weight} %")
    if "host not found" in said:
        raise ConfigurationRefused(
            f"NGINX refuses {weight} %: {said}",
            next_step="start that container (on NGINX's network), or mend versions.*.address",
        )
    raise ConfigError(
        f"NGINX refuses {weight} %: {said}",
        next_step="mend gateway.template (or the NGINX configuration around it); "
        "nothing was changed",
    )
