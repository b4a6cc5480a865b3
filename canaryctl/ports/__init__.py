"""What the runner needs from the world, each as small as it can be.

Drivers in ``canaryctl.drivers`` implement these; ``tests/fakes.py`` has the fakes, and
both pass the same contract tests.
"""

from canaryctl.ports.host import MOST_TAILED, Glance, Host, Located, Tail, Worker
from canaryctl.ports.people import Asking, Controls, Listener
from canaryctl.ports.router import InForce, Mark, Proof, Router, Tenure
from canaryctl.ports.sources import Clock, Counting, Identified, Identifying, Metrics
from canaryctl.ports.steps import (
    Absent,
    Expect,
    Lock,
    Performed,
    Reload,
    Remove,
    Run,
    Step,
    Swap,
    Sweep,
    Unlock,
    Write,
)

__all__ = [
    "MOST_TAILED",
    "Absent",
    "Asking",
    "Clock",
    "Controls",
    "Counting",
    "Expect",
    "Glance",
    "Host",
    "Identified",
    "Identifying",
    "InForce",
    "Listener",
    "Located",
    "Lock",
    "Mark",
    "Metrics",
    "Performed",
    "Proof",
    "Reload",
    "Remove",
    "Router",
    "Run",
    "Step",
    "Swap",
    "Sweep",
    "Tail",
    "Tenure",
    "Unlock",
    "Worker",
    "Write",
]
