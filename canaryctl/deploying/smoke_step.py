"""The smoke suite as a step of a deployment: run aside, so that signs of life go on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from canaryctl.config.model import Config
from canaryctl.core.series import Version
from canaryctl.deploying.failed import DeployFailed
from canaryctl.deploying.side import Tick
from canaryctl.ports import Clock
from canaryctl.smoke.configured import configured_target, suite_file
from canaryctl.smoke.load import load_suite
from canaryctl.smoke.result import Outcome
from canaryctl.smoke.run import run_suite
from canaryctl.smoke.suite import Suite

STEP = "smoke test"
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class SmokeStep:
    """Tests one version.

    The suite is read before anything is touched: a mistake in it leaves all as it was.

    Attributes:
        suite: what is asked.
        config: says where the version answers.
        base: the folder of canary.yaml.
        version: which one.
        clock: for the times.
    """

    suite: Suite
    config: Config
    base: Path
    version: Version
    clock: Clock

    @classmethod
    def of(cls, config: Config, base: Path, version: Version, clock: Clock) -> SmokeStep:
        """Read the suite that the configuration names.

        Raises:
            ConfigError: it cannot be read, or is wrong.
        """
        return cls(load_suite(suite_file(config, base)), config, base, version, clock)

    def __call__(self, tick: Tick) -> str:
        """Run the suite; says what passed.

        Raises:
            DeployFailed: a step of it failed; names the first one.
            ConfigError: where the version answers cannot be told.
        """
        suite = self.suite
        target = configured_target(self.config, self.base, self.version, suite)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(run_suite, suite, target, self.clock)
            while not running.done():
                tick()
                self.clock.sleep(_LOOK_EVERY)
        result = running.result()
        failed = [one for one in result.steps if one.outcome is Outcome.FAILED]
        if not failed:
            return f"{len(result.steps)} steps of {result.suite!r} passed at {result.url}"
        first = failed[0]
        more = f" ({len(failed)} of {len(result.steps)} steps failed)" if len(failed) > 1 else ""
        which = "canary" if self.version is Version.CANARY else "stable"
        raise DeployFailed(
            STEP,
            f"{first.name!r} ({first.asked}): {first.detail}{more}",
            next_step=first.next_step or f"see all of it: `canaryctl smoke-test --{which}`",
        )
