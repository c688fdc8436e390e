"""The numbered migrations, as SQL."""
