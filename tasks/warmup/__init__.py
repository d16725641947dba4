"""Fetching many URLs of other people's hosts, politely and without being led into one's own network."""
