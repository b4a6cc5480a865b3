"""What each event does in each phase; ``core.rollout`` holds the table."""
