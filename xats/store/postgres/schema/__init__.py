"""The migrations of PostgreSQL as SQL files. The number of the newest one is the version of the schema."""
