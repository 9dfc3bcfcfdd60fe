"""The engine: one patch that plays on one device, its programs and its snapshots."""
