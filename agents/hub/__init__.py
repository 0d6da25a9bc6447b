"""The hub side: intake, checks, requests, the join."""
