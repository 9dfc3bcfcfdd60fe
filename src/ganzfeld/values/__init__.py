"""Time, uniforms, events, values from outside, addresses, frames on their way to viewers."""
