"""Contracts: JSON Schemas in versions, and their subscribers."""
