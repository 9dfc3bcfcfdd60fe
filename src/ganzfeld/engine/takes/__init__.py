"""Takes: a show recorded as what made it (time, hands, signals, texts), not as pictures, and played again from that.

`recorder` writes while the show runs, `take` reads, `replay` drives an engine. `pieces` cuts a render into parts that
can be made anywhere and in any order; `local` makes them in processes of this machine, `cluster` on a Ray cluster.
"""
