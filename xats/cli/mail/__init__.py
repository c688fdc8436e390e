"""The verbs of mail."""
