"""What xats knows about each agent program: how to recognise its process, and what it tells its children."""
