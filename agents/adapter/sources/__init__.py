"""An agency's own systems behind one port."""
