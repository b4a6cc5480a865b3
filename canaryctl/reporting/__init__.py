"""A finished rollout as a page for a ticket, or as Markdown for a pull request."""
