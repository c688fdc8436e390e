"""The demo: a small agent that needs no model, and a script in which two of them write to each other."""
