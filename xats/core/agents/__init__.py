"""Agents: who is registered, where each one sits, and what becomes of it."""
