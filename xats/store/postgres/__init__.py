"""The store in a PostgreSQL database that several machines share. Only `xats.store.open` imports it, for a URL."""
