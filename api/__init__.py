"""The REST API: takes jobs, tells how they are, and serves what they made."""
