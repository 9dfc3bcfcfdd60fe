"""What the node `network` and its relatives share: bends, lines on w, latents, looking at layers."""
