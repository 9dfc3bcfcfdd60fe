"""The kind of network StyleGAN3: its configuration, and what of it is this kind's own."""
