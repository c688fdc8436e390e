"""The verbs of delivery: deliver, daemon, events."""
