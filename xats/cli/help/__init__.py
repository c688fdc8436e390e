"""What `xats help` prints besides the help of verbs: topics and reason codes."""
