"""Who returns traffic to stable when nobody leads a rollout any more."""
