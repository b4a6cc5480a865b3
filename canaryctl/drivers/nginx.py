"""Setting a weight at NGINX: one code path for every host.

render → stage beside the live file → test → swap atomically → reload → prove. The live file
is only ever replaced by a rename, with a text that NGINX has just accepted, so whatever is
killed at whatever instant, what is on disk passes ``nginx -t``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial

from canaryctl.core.drained import Drained
from canaryctl.core.errors import (
    ConfigError,
    ConfigurationRefused,
    GatewayUnreachable,
    HostError,
    Superseded,
)
from canaryctl.core.generation import number
from canaryctl.core.weight import Weight
from canaryctl.drivers.lock import Turn
from canaryctl.drivers.nginx_change import ChangedError, Tried, made
from canaryctl.drivers.nginx_check import notes_on, tested
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.nginx_drain import drained
from canaryctl.drivers.nginx_drift import edited, moved
from canaryctl.drivers.nginx_fence import (
    nobodys,
    not_somebody_elses,
    superseded,
    undecided,
)
from canaryctl.drivers.nginx_held import holding
from canaryctl.drivers.nginx_look import looked
from canaryctl.drivers.nginx_restore import Before, Restore
from canaryctl.drivers.nginx_stage import Stage, failed, stage
from canaryctl.drivers.nginx_survey import Surveyed, survey
from canaryctl.drivers.nginx_timeouts import timeouts
from canaryctl.drivers.template import Routing, intact, parse_header, render
from canaryctl.ports import Clock, Expect, Host, InForce, Mark, Proof, Step

CHANGES = 5
"""Of somebody else's that may come between two steps of one change."""
TIDY_WITHIN = 6.0
"""Seconds: about as long as a container takes to be there again."""


@dataclass(slots=True)
class NginxRouter:
    """One NGINX.

    Attributes:
        host: where it runs.
        control: its control listener.
        clock: for how long things took.
        source: the template's text.
        routing: addresses and names; peers are filled in when the host was asked.
        live: absolute path of canaryctl's file there.
        token: this machine's own, for the names of staged files.
        new_generation: gives the next generation's name from the one before.
        writing: entered while a change is made, so that two processes of this machine take turns.
        resolver: DNS server for ``resolve``; empty: names are resolved once, at each change.
        prove_within: seconds a proof may take.
        fence: gives what shows, in the instant of a change, that this process still leads the
            gateway; nothing where a person acts.
        survey_lasts: seconds for which what was seen around the live file is believed; in a
            longer time containers are recreated and configurations edited.
    """

    host: Host
    control: Control
    clock: Clock
    source: str
    routing: Routing
    live: str
    token: str
    new_generation: Callable[[str | None], str]
    writing: Callable[[], AbstractContextManager[Turn]]
    resolver: str = ""
    prove_within: float = 5.0
    fence: Callable[[], tuple[Expect, ...]] = tuple
    survey_lasts: float = 30.0
    _surveyed: Surveyed | None = field(default=None, init=False)
    _sound: Surveyed | None = field(default=None, init=False)
    _known: Before | None = field(default=None, init=False)
    _last: str | None = field(default=None, init=False)
    _began: float | None = field(default=None, init=False)
    _weight: Weight = field(default=Weight.ZERO, init=False)

    def check(self, weights: Sequence[Weight]) -> tuple[str, ...]:
        """See ``Router.check``."""
        seen = self._survey(whole=any(one > Weight.ZERO for one in weights))
        texts = [(one, self._rendered(seen, one, "check", Mark())) for one in weights]
        try:
            with self.writing() as turn:
                tested(self.host, self._stage(seen, turn), texts)
        except HostError:
            self._tidied()
            raise
        return notes_on(seen, self.routing.upstream, self.live)

    def preview(self, weight: Weight, generation: str, mark: Mark) -> str:
        """Give the text that a weight would bring into force here; changes nothing.

        Raises:
            ConfigError: the template is wrong.
            HostError: the host cannot be reached.
            ConfigurationRefused: NGINX's configuration is broken as it is.
        """
        return self._rendered(self._survey(whole=True), weight, generation, mark)

    def set(self, weight: Weight, mark: Mark, expect: str | None) -> Proof:
        """See ``Router.set``."""
        began = self._began = self.clock.now()
        seen = self._survey(whole=weight != Weight.ZERO)
        with self.writing() as turn, holding(self.control.hold) as future:
            change = partial(self._attempt, weight=weight, mark=mark, expect=expect, turn=turn)
            before = self._remembered() or self._read()
            held = future.result()  # connected before NGINX reloads, or it shows nothing
            try:
                tried = self._changed(change, seen, before)
            except (ConfigError, ConfigurationRefused):
                if seen.at >= began:
                    raise
                # What was included around our file may have changed since it was looked at.
                self._surveyed = None
                seen = self._survey(whole=weight != Weight.ZERO)
                tried = self._changed(change, seen, self._read())
            generation = tried.after.generation or ""
            restore = Restore(self.host, self.control, tried.place, self.prove_within)
            if tried.hopeless:
                raise restore(tried.before, tried.after, weight, tried.words)
            try:
                answers = self.control.prove(generation, self.prove_within, held)
            except GatewayUnreachable as error:
                why = f"{error}; {tried.words}" if tried.words else str(error)
                raise restore(tried.before, tried.after, weight, why) from error
            self._known, self._last, self._weight = tried.after, generation, weight
            if tried.left:
                turn.clean = self._done(tried.place.cleaned())
            return Proof(generation, weight, self.clock.now() - began, answers)

    def _remembered(self) -> Before | None:
        """Give what this process wrote last, while that is in force; the fence makes sure."""
        known, self._known = self._known, None
        try:
            there = self.control.ask().generation if known else None
        except GatewayUnreachable:
            return None
        return known if known and known.generation == there else None

    def _read(self) -> Before:
        text = self.host.read(self.live)
        return Before(text, (parse_header(text) or {}).get("generation"))

    def _changed(
        self, change: Callable[[Surveyed, Before], Tried], seen: Surveyed, before: Before
    ) -> Tried:
        """Make a change, anew where somebody else's came between; theirs cannot go on for ever."""
        for _ in range(CHANGES):
            try:
                return change(seen, before)
            except ChangedError:
                before = self._read()
        raise HostError(f"{self.live} changes all the time: {CHANGES} times in a row")

    def _attempt(
        self,
        seen: Surveyed,
        before: Before,
        *,
        weight: Weight,
        mark: Mark,
        expect: str | None,
        turn: Turn,
    ) -> Tried:
        """Bring a weight into place, if what is there is what is expected there."""
        if expect is not None and (before.generation != expect or not intact(before.text)):
            raise Superseded(superseded(before.text, expect))
        not_somebody_elses(before.text, self.live, self.control)
        place = self._stage(seen, turn)
        # Numbers rise also where the file with the last one was taken away.
        generation = self.new_generation(max(before.generation, self._last, key=number))
        text = self._rendered(seen, weight, generation, mark)
        tried = Tried(place, before, Before(text, generation))
        try:
            return made(self.host, tried, weight)
        except Superseded:
            if expect is not None or not undecided(before.text, mark, self._last):
                raise
            # Nobody holds the gateway, and nobody set anything since: it was recreated, say.
            free = replace(place, fence=tuple(nobodys(self.host, one.path) for one in place.fence))
            return made(self.host, replace(tried, place=free), weight)

    def warm(self) -> None:
        """Look around now, and believe it for ever: for a guard, which later has no time.

        Where NGINX refuses a change that was made so, it is looked at anew all the same.

        Raises:
            HostError: the host cannot be reached.
            ConfigurationRefused: NGINX's configuration is broken as it is.
        """
        self.survey_lasts, self._surveyed = float("inf"), None
        self._survey(whole=False)

    def forget(self) -> None:
        """Look around anew at the next change."""
        self._surveyed = None

    def tidy(self, *, whole: bool) -> bool:
        """Take away what changes that were not finished have left; tells whether all is gone.

        Args:
            whole: those of other machines too; only for who leads the gateway.

        Raises:
            HostError: the host cannot be reached.
        """
        seen = self._survey(whole=False)
        with self.writing() as turn:
            place = self._stage(seen, turn)
            turn.clean = self._done([*place.forgotten(), *(place.swept() if whole else ())])
        return turn.clean

    def _tidied(self) -> None:
        """Take away what a test left whose host went away amid it; the next change would, too."""
        until = self.clock.now() + TIDY_WITHIN
        while True:
            with contextlib.suppress(HostError, ConfigurationRefused):
                if self.tidy(whole=False):
                    return
            if self.clock.now() >= until:
                return
            self.clock.sleep(1.0)

    def _done(self, steps: list[Step]) -> bool:
        """Do what nothing depends on; tells whether all of it was done."""
        try:
            return failed(steps, self.host.perform(steps)) is None
        except HostError:
            return False

    def generation(self) -> str:
        """See ``Router.generation``."""
        return self.control.ask().generation

    def drained(self, within: float, alive: Callable[[], object] = lambda: None) -> Drained:
        """See ``Router.drained``."""
        began = self.clock.now() if self._began is None else self._began
        seen = self._surveyed
        kept = timeouts(seen.files, seen.version) if seen else None
        return drained(self.host, self.clock, began, within, kept, alive)

    def drift(self) -> str:
        """See ``Router.drift``."""
        known, seen = self._known, self._surveyed
        if known is None or seen is None:
            return ""
        if what := edited(self.host.read(self.live), known):
            return what
        what = moved(self.host, seen, self._weight)
        if what:
            self._surveyed = None  # the next change looks around anew
        return what

    def look(self) -> InForce:
        """See ``Router.look``."""
        return looked(self.host, self.control, self.live)

    def _survey(self, *, whole: bool) -> Surveyed:
        """Look around, unless that was done a moment ago."""
        now, seen = self.clock.now(), self._surveyed
        if seen is None or now > seen.at + self.survey_lasts or (whole and not seen.whole):
            try:
                seen = survey(
                    self.host, self.routing, self.live, self.resolver, whole=whole, now=now
                )
            except ConfigurationRefused:
                # Broken meanwhile, maybe our own file. A way back needs nothing of what is there.
                if self._sound is None or whole:
                    raise
                return self._sound
            self._surveyed = self._sound = seen
        return seen

    def _stage(self, seen: Surveyed, turn: Turn) -> Stage:
        return stage(seen.files, self.live, self.token, turn, self.fence())

    def _rendered(self, seen: Surveyed, weight: Weight, generation: str, mark: Mark) -> str:
        return render(self.source, seen.routing, weight, generation, mark, seen.can)
