"""The demonstration: a small agent that needs no model, and a play of two of them that write to each other."""
