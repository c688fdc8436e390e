"""The store in one SQLite file."""

APPLICATION_ID = 0x58415453  # "XATS", in the file's header: https://sqlite.org/fileformat2.html#application_id
SCHEMA_VERSION = 29  # the number of the newest file in store/sqlite/schema
