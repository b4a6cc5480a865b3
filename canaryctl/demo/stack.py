"""What both demo stacks offer: clients' URL, the canary's fault switch, a canary.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RELEASE = "v0.2.0"

PLAN_AND_GATES = """\
plan:
  stages: [1, 5, 25, 100]
  observe: {observe}
  interval: 1s
gates:                              # the mission's four
  - name: error rate
    kind: ratio
    bad: 'http_requests_total{{status=~"5.."}}'
    total: http_requests_total
    max: 0.5%
  - {{name: p95 latency, kind: latency, metric: http_request_duration_seconds, quantile: 0.95,
     by: mode, max: {{fast: 2.5s, balanced: 3.2s, creative: 4.5s}}}}
  - {{name: schema failures, kind: zero, metric: llm_brief_schema_failures_total}}
  - {{name: training loss, kind: gauge, metric: rl_training_loss, max_ratio: 2}}
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack.

    Attributes:
        url: where clients go.
        faults: the canary's fault switch.
        config: its canary.yaml.
        said: one line on what runs.
    """

    url: str
    faults: str
    config: Path
    said: str
