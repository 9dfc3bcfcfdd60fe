"""The readable arrangement: networks as their papers say them. Every faster arrangement is checked against it."""
