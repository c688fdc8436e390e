"""Turn a due wake into an outcome: choose a transport, run the guards, act, verify, record."""
