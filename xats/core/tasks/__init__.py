"""Tasks: claims, dependencies, reviews, and the mail that they cause."""
