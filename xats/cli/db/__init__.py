"""The verbs of the store: the file as a whole, its rows, and pruning."""
