"""Programs: a patch as a fixed list of steps, captured where the device can do that, and the state beside it."""
