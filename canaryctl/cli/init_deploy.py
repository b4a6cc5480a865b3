"""What `init` says of deployments and promotions, in comments."""

from __future__ import annotations

DEPLOY = """\
# Versions that run in one Compose project: for `rollout --deploy` and `promote`.
# deploy:
#   files: [docker-compose.production.yml, docker-compose.canary.yml]
#   project: shop                 # left out: service
#   env_file: .env                # the versions are kept in it
#   profiles: []                  # Compose profiles that are deployed too
#   stable: {services: [app], variable: PRODUCTION_VERSION}
#   canary: {services: [app-canary], variable: CANARY_VERSION}
#   healthy_within: 2m            # it has to answer warm_up.path within this
#   warm_up: {path: /health, requests: 20}
#   smoke_test: true              # has to pass before it gets traffic
#   logs: canary-logs             # where the logs of a canary thrown back are kept
#   within: 10m                   # one run of Compose
#   on_rollout: false             # true: `rollout` deploys without --deploy

# How the canary's version becomes the stable one: `canaryctl promote`.
# promotion:
#   watch: 30m                    # at 100 %, judged, before stable is touched
#   interval: 10s                 # left out: plan.interval
#   approvals: [engineering, product, on-call]   # `canaryctl approve --as engineering`
#   approve_within: 24h           # then nothing is changed
#   steps: [50]                   # the canary's weights on the way from 100 to 0 %
#   settle: 10s                   # stable is looked at after each of them
#   remove_canary: true
#   log: deployments.tsv          # gets a line; .md: a table
"""
