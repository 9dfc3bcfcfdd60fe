"""Weight bends, activation bends, blends: everything that changes a network while it plays."""
