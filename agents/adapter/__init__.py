"""The agency side: verify, decide, match, fetch, minimise, answer."""
