"""A synthetic borough; it writes files and nothing else imports it."""
