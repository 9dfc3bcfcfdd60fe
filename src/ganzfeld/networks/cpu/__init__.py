"""The arrangement for processors: the same mathematics, laid out for speed in float32."""
