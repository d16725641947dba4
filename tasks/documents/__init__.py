"""Reports and lessons as files: pure functions from either to bytes."""
