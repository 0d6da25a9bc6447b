"""How it travels and is proven: envelope, keys, directory, transports, store, access log."""
