"""The background process that drives due wakes: its loop, its lock, its start."""
