"""Making a release: a manifest of its files, a stub in the changelog, and the tag at last."""
