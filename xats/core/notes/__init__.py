"""Notes: what a team knows, as values by key, in versions."""
