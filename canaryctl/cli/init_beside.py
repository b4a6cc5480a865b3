"""The part of a new ``canary.yaml`` about what goes on beside a rollout: hooks, and notices."""

from __future__ import annotations

BESIDE = """\
# Commands and URLs at moments of a rollout: before-rollout, before-stage, after-stage,
# before-promotion, after-promotion, after-rollout, after-rollback. One with gate: true stops the
# rollout when it fails; any other changes nothing. The facts are in CANARYCTL_…, or in JSON.
# hooks:
#   - {name: warm cache, at: before-stage, command: [./warm, --fast], timeout: 30s, gate: true}
#   - at: [after-rollback]
#     url: https://hooks.example.org/rolled-back
#     headers: {Authorization: "Bearer ${HOOK_TOKEN}"}

# Who is told what, through apprise: Slack, e-mail, PagerDuty, Teams, webhooks and others.
# `canaryctl notify test` sends each of them a message.
# notify:
#   - {name: team, to: "${SLACK_URL}", severity: warning}
#   - {name: on-call, to: "${PAGERDUTY_URL}", events: [unproven, abandoned]}
"""
