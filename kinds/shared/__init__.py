"""What several kinds are made with."""
