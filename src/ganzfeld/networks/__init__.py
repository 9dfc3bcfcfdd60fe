"""What a trained network is: safe file readers, readable reference implementations, the public `Network`."""
