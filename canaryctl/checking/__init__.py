"""What has to be true before a release is rolled out: a check is a file, what it found a finding."""
