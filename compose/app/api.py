# ruff: noqa: INP001 - a folder of one program, not a package
"""The service's API: what it answers, counts and logs."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from backing import Cache, Pool
from faults import Faults, Spread
from listener import Answer, json_answer, json_object
from telemetry import Telemetry

# Seconds the model "thinks", per mode, before up to half as much again.
THINKING = {"fast": 0.002, "balanced": 0.005, "creative": 0.01}
ALGORITHMS = ("PPO", "REINFORCE")
OPTIONS = 3
MAX_RATING = 5
POOL_SIZE = 100
CACHED_S = 0.5


@dataclass(frozen=True, slots=True)
class Identity:
    """Which of the two sides this is (the label in the metrics), and its release."""

    version: str
    release: str


class Service:
    """The API. One instance answers many threads."""

    def __init__(self, identity: Identity, seed: int | None) -> None:
        self.identity = identity
        self.faults = Faults()
        self._rng = random.Random(seed)  # noqa: S311 - noise and ids of a demo
        self.telemetry = Telemetry(identity.version, self._rng, lambda: self.faults.loss)
        self._pool = Pool(POOL_SIZE)
        self._cache = Cache(CACHED_S)
        self.telemetry.watches(self._pool)
        self._errors = Spread()
        self._schema = Spread()
        self._routes: dict[str, tuple[str, Callable[[Mapping[str, object]], Answer]]] = {
            "/dna/create": ("POST", self._create_dna),
            "/evolve/options": ("POST", self._evolve),
            "/evolve/feedback": ("POST", self._feedback),
            "/": ("GET", self._page),
            "/health": ("GET", self._health),
        }

    def respond(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one request and count it; scrapes and Docker's health checks are not counted."""
        if path == "/metrics" and method == "GET":
            text, content_type = self.telemetry.exposition()
            return Answer(200, text, content_type)
        if path == "/live" and method == "GET":
            return self._health({})
        route = path if path in self._routes else "unknown"
        answer = self._answer(method, path, body)
        self.telemetry.answered(status=answer.status, method=method, path=route)
        return answer

    def _answer(self, method: str, path: str, body: bytes) -> Answer:
        if path not in self._routes:
            return json_answer(404, error=f"there is no {path}")
        expected, handle = self._routes[path]
        if method != expected:
            return json_answer(405, error=f"{path} takes {expected}, not {method}")
        if expected == "POST" and self._errors.picks(self.faults.errors):
            said = "the fault 'errors' is switched on"
            self.telemetry.failed(status=500, method=method, path=path, reason=said)
            return json_answer(500, error=said)
        try:
            if expected == "GET":
                return handle({})
            asked = json_object(body)
            with self._pool.connection():
                return handle(asked)
        except ValueError as error:
            return json_answer(400, error=str(error))

    def _health(self, _: Mapping[str, object]) -> Answer:
        return json_answer(200, status="ok", **asdict(self.identity))

    def _page(self, _: Mapping[str, object]) -> Answer:
        return json_answer(200, service="fragrance-ai", **asdict(self.identity))

    def _create_dna(self, _: Mapping[str, object]) -> Answer:
        time.sleep(self.faults.latency)
        return json_answer(201, dna_id=self._new_id("dna"), **asdict(self.identity))

    def _evolve(self, asked: Mapping[str, object]) -> Answer:
        started = time.perf_counter()
        mode = _one_of(asked, "mode", tuple(THINKING), default="balanced")
        algorithm = _one_of(asked, "algorithm", ALGORITHMS, default="PPO")
        self.telemetry.cached(hit=self._cache.hit(f"{mode} {algorithm}"))
        time.sleep(THINKING[mode] * self._rng.uniform(1, 1.5) + self.faults.latency)
        valid = not self._schema.picks(self.faults.schema)
        if not valid:
            self.telemetry.schema_failed()  # the answer falls back to a plain brief
        seconds = time.perf_counter() - started
        self.telemetry.took(mode, seconds)
        self.telemetry.brief_written(mode=mode, algorithm=algorithm, seconds=seconds, valid=valid)
        options = [{"id": self._new_id("opt"), "rank": n + 1} for n in range(OPTIONS)]
        return json_answer(
            200, experiment_id=self._new_id("exp"), mode=mode, algorithm=algorithm, options=options
        )

    def _feedback(self, asked: Mapping[str, object]) -> Answer:
        experiment = asked.get("experiment_id")
        if not isinstance(experiment, str):
            raise ValueError("experiment_id is missing; /evolve/options gives one")  # noqa: TRY004
        rating = asked.get("rating", MAX_RATING)
        if isinstance(rating, bool) or not isinstance(rating, (int, float)):
            raise ValueError(f"rating is a number, not {rating!r}")  # noqa: TRY004
        if not 0 <= rating <= MAX_RATING:
            raise ValueError(f"rating lies between 0 and {MAX_RATING}, not {rating!r}")
        algorithm = _one_of(asked, "algorithm", ALGORITHMS, default="PPO")
        if not _is_id("exp", experiment):
            return json_answer(404, error=f"there is no experiment {experiment!r}")
        time.sleep(self.faults.latency)
        self.telemetry.policy_updated(algorithm=algorithm, reward=rating / MAX_RATING)
        return json_answer(202, status="accepted", experiment_id=experiment)

    def _new_id(self, kind: str) -> str:
        """Make an id with check digits.

        They stand in for the database that two versions of a real service share: either
        version knows the other's ids, and knows an id that nobody made.
        """
        body = f"{kind}-{self._rng.getrandbits(64):016x}"
        return f"{body}-{zlib.crc32(body.encode()):08x}"


def _one_of(asked: Mapping[str, object], key: str, allowed: tuple[str, ...], default: str) -> str:
    value = asked.get(key, default)
    if value not in allowed:
        raise ValueError(f"{key} is one of {', '.join(allowed)}, not {value!r}")
    return str(value)


def _is_id(kind: str, text: str) -> bool:
    body, _, check = text.rpartition("-")
    return body.startswith(f"{kind}-") and check == f"{zlib.crc32(body.encode()):08x}"
