"""Where frames go: recordings, pictures, windows. One a file behind one small interface."""
