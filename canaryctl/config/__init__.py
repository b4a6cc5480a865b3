"""canary.yaml: what it may say, and how a mistake in it is reported."""

from canaryctl.config.load import load, loads
from canaryctl.config.model import Config

__all__ = ["Config", "load", "loads"]
