"""The demonstration: a small agent that wants no model, and a play in which two of them write to each other."""
