"""The metrics source of a configuration, brought to life."""

from __future__ import annotations

from urllib.parse import urlsplit

from canaryctl.config.model import Config
from canaryctl.config.sources import ScrapeSource
from canaryctl.core.series import Version
from canaryctl.drivers.tls import Tls
from canaryctl.ports import Clock, Metrics


def metrics_of(config: Config, clock: Clock, tls: Tls) -> Metrics:
    """Give where numbers come from."""
    source = config.metrics
    headers = {name: value.get_secret_value() for name, value in source.headers.items()}
    if isinstance(source, ScrapeSource):
        from canaryctl.drivers.scrape import ScrapeMetrics  # noqa: PLC0415  115 ms

        return ScrapeMetrics(
            targets=_targets(config, source),
            select=config.select() or None,
            clock=clock,
            timeout=source.timeout,
            headers=headers,
            tls=tls,
        )
    from canaryctl.drivers.prometheus import PrometheusMetrics  # noqa: PLC0415  115 ms

    login, token = source.basic_auth, source.bearer_token
    return PrometheusMetrics(
        url=source.url,
        select=config.select(),
        clock=clock,
        timeout=source.timeout,
        bearer_token=token.get_secret_value() if token else None,
        basic_auth=(login.username, login.password.get_secret_value()) if login else None,
        tls=tls,
        headers=headers,
    )


def _targets(config: Config, source: ScrapeSource) -> dict[Version, tuple[str, ...]]:
    if source.targets is not None:
        return {
            Version.STABLE: tuple(source.targets.stable),
            Version.CANARY: tuple(source.targets.canary),
        }
    sides = ((Version.STABLE, config.versions.stable), (Version.CANARY, config.versions.canary))
    return {
        version: tuple(f"http://{address}{source.path}" for address in side.address)
        for version, side in sides
    }


def source_of(config: Config) -> str:
    """Name the metrics source in words, without secrets."""
    source = config.metrics
    if isinstance(source, ScrapeSource):
        return "both versions' own /metrics"
    parts = urlsplit(source.url)
    return f"Prometheus at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
