"""Smoke tests: a suite in YAML, run against one version of a service."""
