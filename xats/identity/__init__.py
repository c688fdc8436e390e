"""Identity: in which project and team a command is run, and by whom."""
