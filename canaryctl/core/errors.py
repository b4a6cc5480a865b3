"""Everything canaryctl raises on purpose.

::

    CanaryctlError
    ├── ConfigError            exit 2   files or flags are wrong; nothing was touched
    ├── HostError              exit 4   where NGINX runs cannot be reached or refuses an act
    ├── ConfigurationRefused   exit 4   NGINX's own test refuses a rendered configuration
    ├── GatewayUnreachable     exit 4   NGINX's control listener does not answer
    ├── Superseded             exit 130 somebody else changed the weights meanwhile
    ├── WeightRefused          exit 4   a change was refused; the previous one is in force, proven
    ├── TrafficUnknown         exit 3   what is in force could not be proven
    ├── MetricsUnavailable     exit 4   the metrics source as a whole does not answer
    ├── GatewayHeld            exit 5   another rollout holds this gateway
    └── NoRollout              exit 4   none runs there that could be asked for anything
"""

from __future__ import annotations

from canaryctl.core.redaction import SECRETS


class CanaryctlError(Exception):
    """The root. What is secret in the configuration is taken out of every message.

    Attributes:
        exit_code: what the command line ends with.
        next_step: what the person who reads the message does next; may be empty.
    """

    exit_code = 3

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(SECRETS.hide(message))
        self.next_step = next_step


class ConfigError(CanaryctlError):
    """A file or a flag is wrong. Nothing was touched."""

    exit_code = 2


class HostError(CanaryctlError):
    """The place where NGINX runs cannot be reached, or could not do what it was asked."""

    exit_code = 4


class ConfigurationRefused(CanaryctlError):
    """``nginx -t`` refuses a rendered configuration; what was in force still is."""

    exit_code = 4


class GatewayUnreachable(CanaryctlError):
    """NGINX's control listener does not answer, or not with a generation."""

    exit_code = 4


class Superseded(CanaryctlError):
    """The generation on the gateway is not the one this process left there."""

    exit_code = 130


class WeightRefused(CanaryctlError):
    """A change did not come into force; the previous configuration is back and proven."""

    exit_code = 4


class TrafficUnknown(CanaryctlError):
    """What NGINX does with traffic could not be proven or restored: a person must look."""

    exit_code = 3


class MetricsUnavailable(CanaryctlError):
    """The metrics source as a whole does not answer. Says nothing about the canary."""

    exit_code = 4


class GatewayHeld(CanaryctlError):
    """Another rollout holds this gateway."""

    exit_code = 5


class NoRollout(CanaryctlError):
    """No rollout runs at this gateway, or it does not answer."""

    exit_code = 4
