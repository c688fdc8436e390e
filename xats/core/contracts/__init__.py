"""Contracts: JSON Schemas in versions, and who is told of their changes."""
