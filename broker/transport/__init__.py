"""Adapters of the Transport port, named by technology."""
