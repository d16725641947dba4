"""What authors of kinds import."""
