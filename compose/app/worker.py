# ruff: noqa: INP001 - a folder of one program, not a package
"""A worker beside the service: takes a job every few seconds and logs it.

    python worker.py llm        briefs by the models of LLM_ENSEMBLE_MODELS
    python worker.py rl         policy updates

Told to end, it finishes the job under way first.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import threading

from telemetry import Telemetry

EVERY_S = 5.0
MODES = ("fast", "balanced", "creative")


def main() -> int:
    """Work until SIGTERM or SIGINT; the job under way is finished."""
    parser = argparse.ArgumentParser(description="A worker of the demo's canary.")
    parser.add_argument("kind", choices=("llm", "rl"))
    kind = parser.parse_args().kind
    env = os.environ.get
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    rng = random.Random()  # noqa: S311 - noise of a demo
    telemetry = Telemetry(env("APP_VERSION", "canary"), rng, lambda: 1.0)
    ensemble = env("USE_LLM_ENSEMBLE", "").lower() in {"1", "true", "yes", "on"}
    models = env("LLM_ENSEMBLE_MODELS", "") if ensemble else ""
    telemetry.working(kind=kind, release=env("APP_RELEASE", ""), models=models)
    while not stop.wait(EVERY_S):
        if kind == "llm":
            telemetry.brief_written(
                mode=rng.choice(MODES), algorithm="PPO", seconds=rng.uniform(0.2, 0.9), valid=True
            )
        else:
            telemetry.policy_updated(algorithm="PPO", reward=round(rng.uniform(0.6, 1), 2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
