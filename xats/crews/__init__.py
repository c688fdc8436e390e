"""Crews: start agent programs on this host in panes of their own, watch them, and end them."""
