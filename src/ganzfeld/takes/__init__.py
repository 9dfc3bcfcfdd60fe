"""Takes: a show recorded as what made it (time, hands, signals, texts), not as pictures, and played again from that.

`recorder` writes while the show runs, `take` reads, `replay` drives an engine.
"""
