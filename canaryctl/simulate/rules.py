"""The rules that can be compared: canaryctl's own with a configuration, and its peers'."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from canaryctl.core.weight import FULL_HUNDREDTHS
from canaryctl.simulate.configured import SLACK, Configured
from canaryctl.simulate.peers import Argo, Documents, Flagger, Kayenta, PipeCD
from canaryctl.simulate.run import Result, run
from canaryctl.simulate.served import ServedTraffic
from canaryctl.simulate.service import Service
from canaryctl.simulate.world import Family

OWN = "canaryctl"
Peer = Flagger | Argo | Documents | Kayenta | PipeCD
PEERS: dict[str, Callable[[], Peer]] = {
    "Flagger, threshold 5": Flagger,
    "Argo, failureLimit 3": Argo,
    "the documents' rule": Documents,
    "Kayenta": Kayenta,
    "PipeCD": PipeCD,
}


def rollout(name: str, service: Service, family: Family, rps: float, key: object) -> Result:
    """Run one rollout under a rule; the same ``key`` draws the same traffic.

    Args:
        name: ``OWN``, or one of ``PEERS``.
        service: what it runs on. Peers get its plan, its limit on errors, and its first latency
            gate's limit.
        family: the kind of traffic, fitted to the service.
        rps: requests a second, both versions together.
        key: seeds it.
    """
    if name == OWN:
        return Configured(service, family, rps, key).run()
    rule = PEERS[name]()
    rule.limit = service.limit if service.ratios else 1.0
    stages = service.plan.stages
    return run(
        family,
        rps,
        rule,
        key,
        weights=[stage.weight.hundredths / FULL_HUNDREDTHS for stage in stages],
        observe=stages[0].observe,
        longest=service.plan.longest + SLACK,
        draw=partial(ServedTraffic, service),
    )
