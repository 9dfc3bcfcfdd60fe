"""The kind of network StyleGAN2: its configuration, and what of it is this kind's own."""
