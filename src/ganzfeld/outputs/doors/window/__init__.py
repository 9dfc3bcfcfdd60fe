"""What the kind of door `window` is made of (`outputs/doors/kinds/window.py`)."""
