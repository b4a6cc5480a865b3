"""A version in its Compose project: started, proven, warmed up, tested; or taken out again."""
