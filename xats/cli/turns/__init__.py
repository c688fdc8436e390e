"""The verbs of turns."""
