"""The rules of a rollout: standard library only, frozen data, no I/O and no clock."""
