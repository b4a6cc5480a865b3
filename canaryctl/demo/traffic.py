"""What the demo's clients ask for, and in which proportion."""

from __future__ import annotations

import json
from itertools import cycle

from canaryctl.demo.client import Request, Response

_OPTIONS_PATH = "/evolve/options"


def _options(mode: str) -> Request:
    body = json.dumps({"mode": mode, "algorithm": "PPO"})
    return Request("POST", _OPTIONS_PATH, body.encode())


_FAST, _BALANCED, _CREATIVE = (_options(mode) for mode in ("fast", "balanced", "creative"))
_DNA = Request("POST", "/dna/create", b'{"brief": "citrus, warm base"}')
_FEEDBACK = Request("POST", "/evolve/feedback")  # its body names an experiment
_HEALTH = Request("GET", "/health")

# 15 options, 4 feedback, 3 dna, 1 health. Their number is prime on purpose: NGINX deals
# requests out in turn, so with 20 of them a canary at 5 % would get one kind for ever.
_ROUND = (
    *(_FAST, _BALANCED, _CREATIVE, _DNA, _FAST, _FEEDBACK),
    *(_BALANCED, _CREATIVE, _FAST, _BALANCED, _FEEDBACK, _CREATIVE),
    *(_DNA, _FAST, _BALANCED, _CREATIVE, _FEEDBACK, _HEALTH),
    *(_FAST, _BALANCED, _DNA, _CREATIVE, _FEEDBACK),
)


class Mix:
    """Hands out one request after the other, the same sequence every time."""

    def __init__(self) -> None:
        self._round = cycle(_ROUND)
        self._experiment = ""

    def next(self) -> Request:
        """Give the next request."""
        request = next(self._round)
        if request is not _FEEDBACK:
            return request
        if not self._experiment:
            return _HEALTH  # nothing to give feedback on yet
        body = json.dumps({"experiment_id": self._experiment, "rating": 4})
        return Request(_FEEDBACK.method, _FEEDBACK.path, body.encode())

    def learn(self, request: Request, response: Response) -> None:
        """Keep the latest experiment: feedback is given on it."""
        if request.path != _OPTIONS_PATH or response.status != 200:  # noqa: PLR2004
            return
        try:
            answer = json.loads(response.body)
        except ValueError:
            return
        if isinstance(answer, dict) and isinstance(answer.get("experiment_id"), str):
            self._experiment = answer["experiment_id"]
