"""The command line: a folder for each noun. It parses, calls one function of the core, and renders what comes back."""
