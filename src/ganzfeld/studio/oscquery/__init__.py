"""OSCQuery: what of a show can be reached over OSC, as JSON over HTTP, so that other programs build their controls."""
