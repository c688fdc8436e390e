"""The verbs of zones."""
