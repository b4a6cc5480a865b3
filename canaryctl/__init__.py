"""Canary rollouts for Docker behind NGINX."""

__version__ = "0.1.0"
