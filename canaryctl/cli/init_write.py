"""What was found becomes a ``canary.yaml`` in which every key is explained."""

from __future__ import annotations

import json

from canaryctl.cli.init_beside import BESIDE, EXPORT, SMOKE
from canaryctl.cli.init_checks import CHECKS
from canaryctl.cli.init_choice import Choice
from canaryctl.cli.init_compose import Service
from canaryctl.cli.init_deploy import DEPLOY
from canaryctl.cli.init_find import CONTROL

_LATER = "replace this"


def canary_yaml(choice: Choice) -> str:
    """Write the file. It loads whatever was found, because nothing found is pasted in bare."""
    stable = _address(choice, choice.stable) or ("127.0.0.1:8000" if _local(choice) else "app:8000")
    canary = _address(choice, choice.canary) or _beside(stable)
    return f"""\
# What canaryctl rolls out, where, and how it judges. Every key is here; those behind a # show
# their default or an example. `canaryctl config check` reads this file and says what it
# understood. ${{VAR}} and ${{VAR:-default}} are read from the environment.

# The service's name: in messages, in the journal, and as the name of NGINX's upstream.
service: {scalar(choice.service)}

# Where each version answers, as NGINX reaches it: host:port, or a list of them.
versions:
  stable:
    address: {scalar(stable)}{_said_of(choice.stable)}
  canary:
    address: {scalar(canary)}{_said_of(choice.canary)}
    # url: http://127.0.0.1:8001  # where it answers from here, past NGINX

# The NGINX in front of both.
gateway:
{_driver(choice)}
  # canaryctl's own file, as NGINX sees it; NGINX includes it inside http {{}}. Keep it on a
  # volume, so that the weights survive a recreated container.
  config: {scalar(choice.place)}
  # NGINX's control listener as reached from here: what is in force is read back from it.
  # Publish it on loopback only (127.0.0.1:{CONTROL}:{CONTROL}).
  verify: {scalar(choice.verify)}
{_control(choice)}
  # NGINX's own log of attempts, as NGINX sees it: it shows a canary that is dead or gets no
  # traffic, which no metric of the service can. Left out: attempts are not counted.
  attempts: {scalar(choice.attempts)}
  # template: upstream.conf.j2    # your own template instead of the packaged one
{_upstream(choice)}
  # resolver: 127.0.0.11          # DNS for NGINX >= 1.27.3, which then follows new addresses
  # keepalive: 64                 # idle connections that each worker keeps to the backends
  # tls: {{ca_file: ca.pem, cert_file: me.pem, key_file: me.key}}   # for a verify of https://
  # lease: 30s                    # no sign of life for so long: the rollout is abandoned
  # on_abandon: rollback          # what its guards do then: rollback, or hold the weights
  # on_drift: end                 # somebody edits the file, say: end, or reassert the weights
  # drain_within: 60s             # after going back, old workers are waited for so long
  # binary: /usr/sbin/nginx       # NGINX's program; left out: as it was started
  # main: /etc/nginx/nginx.conf   # its main configuration, as with -c
  # prefix: /etc/nginx/           # its prefix, as with -p

plan:
  # The canary's share of requests in percent, stage by stage, rising; down to 0.01.
  # Between them may stand {{pause: 10m}}, {{pause: {{}}}} and {{approve: [engineering, product]}}.
  stages: [1, 5, 25, 100]
  # How long each stage is observed: 900, 90s, 15m, 1h30m.
  observe: 15m
  # Time between two evaluations of the gates.
  interval: 10s
  # A stage without a verdict is extended to at most so many times its length.
  extend_to: 3
  # What ends it then: back (to 0 %, called inconclusive) or advance.
  # on_inconclusive: back
  # evidence: a stage ends early, once the canary is known to be within its limits.
  # advance: time
  # Latency is not judged for so long after each weight change (cold start).
  # warm_up: 60s
  # Stable in trouble itself holds the rollout, for so long in all.
  # hold_for: 30m
  # NGINX's control listener silent for so long: back to 0 %.
  gateway_lost_after: 30s
  # The whole rollout, pauses and approvals included.
  # deadline: 24h

# Where the numbers come from.
metrics:
{_metrics(choice)}
  # timeout: 10s                  # for one query
  # lost_after: 10m               # no answer for so long: back to 0 %, "metrics lost"
  # headers: {{X-Scope-OrgID: "team"}}

# How sure verdicts are: the chance at most that a healthy canary is thrown back in a rollout.
# `canaryctl simulate` says what it means at your traffic. judge: threshold reads limits literally.
risk: 1%
# judge: evidence

# What each stage has to pass: mission (these four), slo, strict, relaxed, or a list. Each may have:
# max, min, max_ratio (canary over stable), judge: evidence|threshold, severity: rollback|warn; read
# literally also consecutive (failures in a row), min_samples, on_no_data: hold|fail|pass (hold: the
# stage is extended, up to extend_to). Take out what your service does not expose: without data a
# gate holds its stage, and ends it in the end.
gates:
  # Bad events among all; selectors, to which each version's labels (select) are added.
  - name: error rate
    kind: ratio
    bad: 'http_requests_total{{status=~"5.."}}'
    total: http_requests_total
    max: 0.5%
  # A quantile of a histogram, with a limit for each value of a label.
  - name: p95 latency
    kind: latency
    metric: http_request_duration_seconds
    quantile: 0.95
    by: mode
    max: {{fast: 2.5s, balanced: 3.2s, creative: 4.5s}}
  # Any increase fails at once.
  - name: schema failures
    kind: zero
    metric: llm_brief_schema_failures_total
  # The newest value, here against stable's.
  - name: training loss
    kind: gauge
    metric: rl_training_loss
    max_ratio: 2
  # Any PromQL expression that gives one number (needs provider: prometheus).
  # - {{name: queue, kind: promql, query: 'avg(queue_depth{{ {{{{ select }}}} }})', max: 100}}

# The circuit breaker: after five failed requests in a row all traffic goes to stable, and a few
# requests test the canary a minute later. It reads gateway.attempts.
# breaker: on

# So many failed scrapes of the canary in a row end the rollout; 0 turns that off.
liveness: 3

{SMOKE}
{CHECKS}

{BESIDE}
{DEPLOY}
{EXPORT}"""


def scalar(text: str) -> str:
    """Write a value as one line of quoted YAML, whatever is in it."""
    import yaml

    from canaryctl.cli.config_text import escaped

    quoted: str = yaml.safe_dump(escaped(text), default_style='"', width=10**9)
    return quoted.strip()


def _local(choice: Choice) -> bool:
    return choice.nginx is not None and choice.nginx.driver == "local"


def _address(choice: Choice, service: Service | None) -> str:
    """Give where NGINX reaches a service; one on this machine does not know Compose's names."""
    if service is None:
        return ""
    here = service.published(service.port) if service.port else None
    return f"127.0.0.1:{here}" if _local(choice) and here else service.address


def _beside(stable: str) -> str:
    """Name the canary after stable, on the next port."""
    host, _, port = stable.rpartition(":")
    following = int(port) + 1 if int(port) < 65535 else int(port) - 1  # noqa: PLR2004  the last port
    return f"{host}:{following}" if host == "127.0.0.1" else f"{host}-canary:{following}"


def _said_of(service: Service | None) -> str:
    if service is None:
        return f"  # {_LATER}: no such service was found"
    guessed = "" if service.port else ", the port is a guess"
    return f"  # found in {json.dumps(service.file)}{guessed}"


def _driver(choice: Choice) -> str:
    nginx = choice.nginx
    if nginx is not None and _local(choice):
        main = nginx.configuration.main
        lines = [
            "  # local: an NGINX on this machine; docker: one in a container.",
            "  driver: local",
            "  # pid_file: /run/nginx.pid     # left out: NGINX finds its own (nginx -s reload)",
            f"  # found: {scalar(nginx.name)}{f', main file {scalar(main)}' if main else ''}",
        ]
        return "\n".join(lines)
    lines = [
        "  # docker: NGINX in a container; local: an NGINX on this machine.",
        "  driver: docker",
    ]
    service = choice.in_compose
    if nginx is not None and nginx.project and nginx.service:
        lines += [
            "  # A Compose project and service, found running; it may be recreated at any time.",
            f"  project: {scalar(nginx.project)}",
            f"  service: {scalar(nginx.service)}",
            f"  # container: {scalar(nginx.name)}    # instead of both: a name or an id",
        ]
    elif nginx is not None:
        lines += [
            f"  # Found running, image {scalar(nginx.image)}.",
            f"  container: {scalar(nginx.name)}",
            "  # project: shop               # instead of container: a Compose project",
            "  # service: nginx              # and its service",
        ]
    elif service is not None and not service.container:
        lines += [
            f"  # Of {json.dumps(service.file)}; it does not run now, the project is a guess.",
            f"  project: {scalar(choice.project)}",
            f"  service: {scalar(service.name)}",
            "  # container: nginx            # instead of both: a name or an id",
        ]
    else:
        found = service.container if service else "nginx"
        lines += [
            f"  # {'It does not run now.' if service else f'{_LATER}: no NGINX was found.'}",
            f"  container: {scalar(found)}",
            "  # project: shop               # instead of container: a Compose project",
            "  # service: nginx              # and its service",
        ]
    lines += [
        "  # docker_host: unix:///run/docker.sock   # left out: as `docker` itself decides",
        "  # docker_context: default                # or a docker context",
        "  # tls_dir: /etc/docker/client            # ca.pem, cert.pem, key.pem for tcp://",
    ]
    return "\n".join(lines)


def _control(choice: Choice) -> str:
    said = "# what it listens on; left out: the port of verify"
    if choice.control:
        return f"  control: {scalar(choice.control)}  {said}"
    return f'  # control: "{CONTROL}"             {said}'


def _upstream(choice: Choice) -> str:
    if choice.upstream:
        taken = "the service's is, or may be, an upstream or a proxy_pass's host already"
        return f"  # The upstream's name; {taken}.\n  upstream: {scalar(choice.upstream)}"
    return "  # upstream: shop              # name of the upstream; left out: the service's"


def _metrics(choice: Choice) -> str:
    select = """\
  {0}# The labels that tell each version's series apart.
  {0}select:
  {0}  stable: {{version: production}}
  {0}  canary: {{version: canary}}"""
    if choice.prometheus:
        return f"""\
  # prometheus: anything that speaks its API; scrape: canaryctl reads both versions' own /metrics.
  provider: prometheus
  url: {scalar(choice.prometheus)}
{select.format("")}
  # bearer_token: ${{PROMETHEUS_TOKEN}}
  # basic_auth: {{username: canaryctl, password: "${{PROMETHEUS_PASSWORD}}"}}
  # ca_file: /etc/ssl/ca.pem
  # With provider: scrape instead: path, targets (see the documentation)."""
    return f"""\
  # scrape: canaryctl reads both versions' own /metrics; prometheus: anything that speaks its API.
  provider: scrape
  # path: /metrics
{_targets(choice)}
{select.format("# ")}
  # With provider: prometheus instead:
  # url: http://127.0.0.1:9090
  # bearer_token: ${{PROMETHEUS_TOKEN}}
  # basic_auth: {{username: canaryctl, password: "${{PROMETHEUS_PASSWORD}}"}}
  # ca_file: /etc/ssl/ca.pem"""


def _targets(choice: Choice) -> str:
    said = "  # Where /metrics answers from here, when that is not at each version's address."
    urls = [_metrics_url(choice.stable), _metrics_url(choice.canary)]
    if all(urls):
        return (
            f"{said}\n  targets:\n    stable: [{scalar(urls[0])}]\n    canary: [{scalar(urls[1])}]"
        )
    return (
        f"{said}\n  # targets:\n"
        '  #   stable: ["http://127.0.0.1:8000/metrics"]\n'
        '  #   canary: ["http://127.0.0.1:8001/metrics"]'
    )


def _metrics_url(service: Service | None) -> str:
    here = service.published(service.port) if service and service.port else None
    return f"http://127.0.0.1:{here}/metrics" if here else ""
