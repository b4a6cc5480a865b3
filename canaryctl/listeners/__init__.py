"""Those who are told of every event: the terminal, the journal."""
