"""A plan where nobody is there: in a simulation, or when recorded traffic is judged anew.

Who would approve, or say ``canaryctl continue``? No hook is run, and no worker of NGINX is there
to be waited for.
"""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.plan import Plan


def unattended(plan: Plan) -> Plan:
    """Give the plan without its waits: each stage follows the one before at once."""
    stages = tuple(replace(stage, before=(), after=()) for stage in plan.stages)
    return replace(plan, stages=stages, drain_within=0.0)
