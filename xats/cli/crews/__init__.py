"""The verbs of crews: agent programs that xats starts in places of their own, and ends."""
