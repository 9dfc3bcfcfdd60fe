"""A show in two processes: the supervisor that must live, and the render process that may die."""
