"""The engine: takes jobs, keeps their leases, saves their steps, and recovers what other workers lost."""
