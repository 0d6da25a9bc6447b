"""The store: one Effect, once, on SQLite or PostgreSQL."""
