"""One operation a file: the plain torch reference beside the fast kernel, same signature."""
