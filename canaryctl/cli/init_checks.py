"""The block of ``checks`` in the file that ``canaryctl init`` writes: an example of every key."""

CHECKS = """\
# What `canaryctl check` looks at before a rollout, and `canaryctl release` records. Each of the
# first five may be off. Left out they are judged from this folder, as far as that can be done.
# checks:
#   release: {checkpoints: ["models/*.pt"], changelog: CHANGELOG.md}
#   # applied prints which are applied; or expect: "7", what it prints, instead of files
#   migrations: {files: "migrations/*.sql", applied: [alembic, current], timeout: 1m}
#   # public: variables that are called as secrets are, and hold none
#   secrets:
#     {file: .env, example: .env.example, required: [API_KEY], optional: [PROXY], public: [MAP_KEY]}
#   artifacts: {manifest: "releases/{version}.json", files: ["dist/*"]}
#   runbook: {file: docs/runbook.md, procedures: [Rollback, Promotion, Troubleshooting]}
#   probes:
#     - {name: tests, command: [make, test], timeout: 10m}
#     - {name: cache, tcp: "127.0.0.1:6379", severity: warn}
#     - {name: health, http: "http://127.0.0.1:8000/health", status: 200, json: {status: ok}}
#     # also contains: "a text in it", headers: {X-Key: "${KEY}"}
#     - {name: targets, prometheus: {job: app}}   # up is 1 for every target
#     - {name: dashboard, dashboard: compose/grafana/canary.json, panels: [Traffic split]}
#     - {name: alerts, notify: true}              # a test message reaches every channel
#     - {name: weights, weights: 0}               # what NGINX has in force now
"""
