"""How Ganzfeld's shipped networks are made: renderers, trainer, report. Not part of the wheel; see README.md."""
