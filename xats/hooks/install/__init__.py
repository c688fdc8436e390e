"""Put the hooks of xats into the settings of agent programs, and take them out."""
