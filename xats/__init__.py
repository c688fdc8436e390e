"""xats: mail for the coding agents that work in a person's terminals, and for the people beside them."""

__version__ = "0.1.0"  # a constant: looking the package metadata up costs 30 ms
