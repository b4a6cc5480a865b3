"""What has to be true before a release is rolled out; each check is a file."""
