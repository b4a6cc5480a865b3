"""A Compose project in memory: what it is asked for happens, or fails as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from canaryctl.core.errors import HostError
from canaryctl.deploying.side import Side
from canaryctl.drivers.compose import ComposeProject
from canaryctl.drivers.compose_containers import ComposeContainers, Container
from canaryctl.drivers.compose_run import ComposeRuns
from canaryctl.drivers.env_file import EnvFile
from tests.fake_world import FakeClock


def container(service: str, version: str, **more: object) -> Container:
    """Give a healthy one."""
    made = Container(f"id-{service}", f"shop_{service}_1", service, f"shop/app:{version}", version)
    return replace(made, **{"tagged": version, **more})  # type: ignore[arg-type]


@dataclass
class Project:
    """What there is, and what was asked for.

    Attributes:
        there: containers by service.
        broken: what the next run of Compose fails with.
        comes_up: makes a service's container from its release.
        asked: the arguments of each run.
        logs: what each container has printed.
        since: from when on logs were asked for, each time.
    """

    base: Path
    clock: FakeClock = field(default_factory=FakeClock)
    there: dict[str, Container] = field(default_factory=dict)
    broken: str = ""
    comes_up: Callable[[str, str], Container] = container
    asked: list[tuple[str, ...]] = field(default_factory=list)
    environments: list[Mapping[str, str]] = field(default_factory=list)
    logs: dict[str, bytes] = field(default_factory=dict)
    since: list[float] = field(default_factory=list)

    def side(self, name: str) -> Side:
        """Give one version's part."""
        service = "app" if name == "stable" else "app-canary"
        variable = "PRODUCTION_VERSION" if name == "stable" else "CANARY_VERSION"
        env = EnvFile(self.base / ".env")
        compose = ComposeProject(("compose",), "shop", (), env.path)
        return Side(
            name, (service,), variable, env, Runs(compose, self.clock, 60.0, {}, self), Seen(self)
        )


@dataclass(frozen=True, slots=True)
class Runs(ComposeRuns):
    """Runs nothing: changes the project in memory."""

    world: Project | None = None

    def __call__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        tick: Callable[[], object] = lambda: None,
    ) -> str:
        world = self.world
        assert world is not None
        tick()
        world.asked.append(arguments)
        world.environments.append(env or {})
        if world.broken:
            raise HostError(world.broken)
        service = arguments[-1]
        match arguments[0]:
            case "up":
                (release,) = (env or {}).values()
                world.there[service] = world.comes_up(service, release)
            case "stop":
                world.there[service] = replace(world.there[service], status="exited")
            case "rm":
                world.there.pop(service, None)
        return ""


class Seen(ComposeContainers):
    """Looks at the project in memory."""

    def __init__(self, world: Project) -> None:
        super().__init__("shop")
        object.__setattr__(self, "world", world)
        self.world: Project

    def look(self, services: Sequence[str]) -> tuple[Container, ...]:
        return tuple(self.world.there[one] for one in services if one in self.world.there)

    def logs(self, container: Container, since: float, most: int) -> bytes:  # noqa: ARG002
        self.world.since.append(since)
        return self.world.logs.get(container.service, b"")

    def last_lines(self, container: Container, count: int = 3) -> str:  # noqa: ARG002
        lines = self.world.logs.get(container.service, b"").decode().splitlines()
        return " · ".join(line.partition(" ")[2] for line in lines[-3:])


@dataclass
class Heard:
    """A teller that remembers."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def begun(self, step: str, said: str) -> None:
        self.lines.append(("begun", step, said))

    def done(self, step: str, said: str, seconds: float) -> None:  # noqa: ARG002
        self.lines.append(("done", step, said))

    def failed(self, step: str, said: str, seconds: float) -> None:  # noqa: ARG002
        self.lines.append(("failed", step, said))

    def note(self, step: str, said: str) -> None:
        self.lines.append(("note", step, said))

    def steps(self, status: str) -> list[str]:
        """Give the names of the steps that ended so."""
        return [step for how, step, _ in self.lines if how == status]
