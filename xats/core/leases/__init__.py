"""Leases: claims of an agent on something that end by themselves, such as the claim of a task."""
