"""Looking into a patch that plays, at next to no cost: thumbnails of nodes, layers, channels, weights
(docs/architecture.md, "Taps")."""
