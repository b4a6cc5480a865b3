"""Setting a weight at NGINX: one code path for every host.

render → stage beside the live file → test → swap atomically → reload → prove. The live file
is only ever replaced by a rename, with a text that NGINX has just accepted, so whatever is
killed at whatever instant, what is on disk passes ``nginx -t``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from canaryctl.core.errors import (
    ConfigError,
    ConfigurationRefused,
    GatewayUnreachable,
    HostError,
    Superseded,
    TrafficUnknown,
    WeightRefused,
)
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.nginx_files import NotIncluded, Trial, directive, dumped, trial
from canaryctl.drivers.nginx_version import NginxVersion, parse_version
from canaryctl.drivers.template import Abilities, Address, Routing, parse_header, render
from canaryctl.ports import (
    Clock,
    Host,
    InForce,
    Mark,
    Proof,
    Reload,
    Remove,
    Run,
    Step,
    Swap,
    Write,
)


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
    """

    host: Host
    control: Control
    clock: Clock
    source: str
    routing: Routing
    live: str
    token: str
    new_generation: Callable[[str | None], str]
    writing: Callable[[], AbstractContextManager[None]]
    resolver: str = ""
    prove_within: float = 5.0
    _surveyed: Surveyed | None = field(default=None, init=False)

    def survey(self) -> Surveyed:
        """Look at the host once: version, configuration, peers behind each address."""
        if self._surveyed is None:
            self._surveyed = self._look_around()
        return self._surveyed

    def _look_around(self) -> Surveyed:
        dump = self.host.perform([Run(("-v",)), Run(("-T",))])
        version = parse_version(dump.output)
        if version is None:
            raise HostError(
                f"what runs there is not NGINX: `nginx -v` gave {dump.output.strip()!r}",
                next_step="check gateway.binary, or gateway.container",
            )
        if dump.completed < 2:  # noqa: PLR2004  both
            raise ConfigurationRefused(
                f"NGINX's configuration is broken as it is: {_complaint(dump.output)}",
                next_step="mend it until `nginx -t` passes; NGINX would not start with it",
            )
        files = dumped(dump.output)
        try:
            tested = trial(files, self.live, self.staged, self.token)
        except NotIncluded:
            raise ConfigurationRefused(
                f"NGINX's configuration does not include {self.live}",
                next_step=f"add `include {self.live};` to its http {{}} block",
            ) from None
        routing = replace(
            self.routing,
            stable=self._located(self.routing.stable),
            canary=self._located(self.routing.canary),
        )
        keeps = version.keeps_idle_connections
        taken = directive(files, "keepalive_min_timeout", besides=self.live)
        can = Abilities(version.resolves, keeps and not taken, self.resolver)
        return Surveyed(version, tested, routing, can)

    def _located(self, addresses: Sequence[Address]) -> tuple[Address, ...]:
        return tuple(
            replace(address, peers=self.host.locate(address.address).peers)
            if address.is_name
            else address
            for address in addresses
        )

    @property
    def staged(self) -> str:
        """Where a new text lies before it is tested: beside the live file, never included."""
        return posixpath.join(posixpath.dirname(self.live), f".canaryctl-{self.token}.conf")

    def rendered(self, weight: Weight, generation: str, mark: Mark) -> str:
        """Give the text for a weight."""
        seen = self.survey()
        return render(self.source, seen.routing, weight, generation, mark, seen.can)

    def check(self, weights: Sequence[Weight]) -> tuple[str, ...]:
        """See ``Router.check``."""
        seen = self.survey()
        with self.writing():
            for weight in weights:
                text = self.rendered(weight, "check", Mark())
                done = self.host.perform([*self._staging(text), *self._tested()])
                self.host.perform(self._cleaning())
                if done.completed < len(self._staging(text)) + 1:
                    self._refuse(weight, done.output)
        notes = [str(seen.version)]
        if not seen.version.keeps_idle_connections:
            notes.append(
                "before 1.27.4 a reload closes idle keep-alive connections: a client that does "
                "not retry may lose a request"
            )
        return tuple(notes)

    def _staging(self, text: str) -> list[Step]:
        seen = self.survey()
        copies = [Write(path, content) for path, content in seen.trial.files.items()]
        return [Write(self.staged, text), *copies]

    def _tested(self) -> list[Step]:
        return [Run(("-t", "-q", "-c", self.survey().trial.main))]

    def _cleaning(self) -> list[Step]:
        return [Remove(path) for path in (self.staged, *self.survey().trial.files)]

    def _refuse(self, weight: Weight, output: str) -> None:
        said = _complaint(output).replace(self.staged, f"the configuration rendered for {weight} %")
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

    def set(self, weight: Weight, mark: Mark, expect: str | None) -> Proof:
        """See ``Router.set``."""
        fresh = self._surveyed is None
        with self.writing():
            began = self.clock.now()
            before = self.host.read(self.live)
            there = (parse_header(before) or {}).get("generation")
            if expect is not None and there != expect:
                raise Superseded(_superseded(before, expect))
            generation = self.new_generation(there)
            try:
                output = self._swapped(weight, generation, mark)
            except (ConfigError, ConfigurationRefused):
                if fresh:
                    raise
                # What was included around our file may have changed since it was looked at.
                self._surveyed = None
                output = self._swapped(weight, generation, mark)
            try:
                answers = self.control.prove(generation, self.prove_within)
            except GatewayUnreachable as error:
                self._restore(before, there, weight, f"{error}{_also(output)}")
            return Proof(generation, weight, self.clock.now() - began, answers)

    def _swapped(self, weight: Weight, generation: str, mark: Mark) -> str:
        """Bring a new text into place and have NGINX load it; gives what NGINX printed."""
        staging = self._staging(self.rendered(weight, generation, mark))
        swap = Swap(self.staged, self.live)
        clean = [Remove(path) for path in self.survey().trial.files]
        done = self.host.perform([*staging, *self._tested(), swap, Reload(), *clean])
        if done.completed < len(staging):
            self.host.perform(self._cleaning())
            raise HostError(f"the new configuration could not be written: {done.output.strip()}")
        if done.completed == len(staging):
            self.host.perform(self._cleaning())
            self._refuse(weight, done.output)
        if done.completed == len(staging) + 1:
            self.host.perform(self._cleaning())
            raise HostError(f"{self.live} could not be replaced: {done.output.strip()}")
        return done.output

    def _restore(
        self, before: str | None, generation: str | None, weight: Weight, why: str
    ) -> None:
        """Put the previous text back and prove it; always raises."""
        steps: list[Step] = (
            [Remove(self.live), Reload()]
            if before is None
            else [Write(self.staged, before), Swap(self.staged, self.live), Reload()]
        )
        try:
            self.host.perform([*steps, *(Remove(path) for path in self.survey().trial.files)])
            if generation is None:
                self._prove_absent(weight, why)
            self.control.prove(generation or "", self.prove_within)
        except (GatewayUnreachable, HostError) as error:
            raise TrafficUnknown(
                f"{weight} % was not proven ({why}), and neither was the configuration before it: "
                f"{error}",
                next_step="look at NGINX itself: is it running, and what does its error log say? "
                "`canaryctl status` asks it again, `canaryctl rollback` tries 0 % again",
            ) from error
        raise WeightRefused(
            f"{weight} % did not come into force ({why}); the previous configuration "
            f"(generation {generation}) is back, proven",
            next_step="look at NGINX's error log for the reason",
        )

    def _prove_absent(self, weight: Weight, why: str) -> None:
        raise TrafficUnknown(
            f"{weight} % was not proven ({why}); there was no canaryctl configuration before it, "
            "so there is nothing to prove; the file was taken away again",
            next_step="check that gateway.verify is the published control port of this NGINX",
        )

    def generation(self) -> str:
        """See ``Router.generation``."""
        return self.control.ask().generation

    def look(self) -> InForce:
        """See ``Router.look``."""
        state = parse_header(self.host.read(self.live))
        mark = None
        if state is not None:
            fields = ("release", "rollout", "owner", "reason")
            mark = Mark(**{name: state.get(name, "") for name in fields})
        on_disk = state.get("generation") if state else None
        try:
            answer = self.control.ask()
        except GatewayUnreachable as error:
            return InForce(None, None, mark, on_disk, str(error))
        return InForce(answer.generation, answer.weight, mark, on_disk)


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What one look around a host gave."""

    version: NginxVersion
    trial: Trial
    routing: Routing
    can: Abilities


def _complaint(output: str) -> str:
    """Give NGINX's own words: the error lines, without its time stamps."""
    lines = [line.strip() for line in output.splitlines() if "[emerg]" in line or "[alert]" in line]
    said = lines or [line for line in output.splitlines() if line.strip()][-1:]
    return "; ".join(line.partition("] ")[2] or line for line in said)


def _also(output: str) -> str:
    return f"; NGINX said: {_complaint(output)}" if output.strip() else ""


def _superseded(text: str | None, expect: str) -> str:
    state = parse_header(text)
    if state is None:
        return f"the file at the gateway is no longer canaryctl's (expected generation {expect})"
    who = state.get("owner") or "somebody"
    why = state.get("reason") or "no reason given"
    return f"{who} set {state.get('weight')} % meanwhile: {why}"
