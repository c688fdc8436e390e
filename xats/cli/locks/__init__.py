"""The verbs of locks, and the hook of git that knows them."""
