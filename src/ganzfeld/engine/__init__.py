"""Programs, state, the real-time loop, the render process and its supervisor."""
