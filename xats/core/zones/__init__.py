"""Zones: which part of a repository belongs to an agent or a role."""
