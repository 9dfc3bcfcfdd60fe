"""What `benchmarks/fuzz.py` changes, and who has to read it."""
