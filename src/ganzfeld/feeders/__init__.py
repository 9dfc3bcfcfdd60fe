"""Feeders: whatever decodes a stranger's file does so in a limited process, which may hang or die without cost.

`service.py` is what other rooms call; `base.py` what a kind of file is; `kinds/` has one kind a file.
"""
