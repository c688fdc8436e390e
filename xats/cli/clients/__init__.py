"""The verbs of agent programs: client and hook."""
