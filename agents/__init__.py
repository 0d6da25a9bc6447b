"""Who acts: adapter (agency side), hub, and the command line."""
