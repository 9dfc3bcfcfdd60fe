"""Values from outside: OSC, MIDI, sound, tempo. One a file."""
