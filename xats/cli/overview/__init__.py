"""What `xats` prints without a verb: who I am, what waits for me, and which agents need me."""
