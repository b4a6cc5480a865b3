"""A real rollout on this machine: `canaryctl demo`."""
