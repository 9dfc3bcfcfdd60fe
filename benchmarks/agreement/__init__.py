"""What `agree.py` compares."""
