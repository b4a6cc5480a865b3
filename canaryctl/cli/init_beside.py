"""The part of a new ``canary.yaml`` about what goes on beside a rollout."""

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

SMOKE = """\
# What `canaryctl smoke-test` asks a version before it gets traffic.
# smoke:
#   suite: smoke.yaml             # left out: the shipped one; `canaryctl smoke-test --show`
#   headers: {X-Api-Key: "${API_KEY}"}   # sent with each request
#   ca_file: ca.pem               # for https://, and cert_file, key_file
"""

EXPORT = """\
# Where Prometheus reads canaryctl's own metrics: of a rollout while it runs, of `canaryctl guard`.
# export:
#   listen: 127.0.0.1:9181
#   guard_listen: 127.0.0.1:9182
#   linger: 20s                   # an ended rollout waits at most so long to be read once more
"""
