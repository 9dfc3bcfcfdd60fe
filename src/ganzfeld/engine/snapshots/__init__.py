"""Snapshots: stored, kept in a file, recalled with a cross-fade, morphed on a pad."""
