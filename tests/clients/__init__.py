"""The real agent CLIs: a model for them, their installation, and recordings of their screens."""
