"""Rollouts in simulated traffic: how often a rule is wrong, and what that costs."""
