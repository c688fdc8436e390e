"""Locks: which agent may change a file, and who waits for it."""
