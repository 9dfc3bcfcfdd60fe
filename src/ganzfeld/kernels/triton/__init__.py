"""Kernels in Triton, one operation a file, each beside a torch reference of the same signature.

Nothing here is imported unless Triton is there: see `available`. On a machine with a card, importing it puts our way of
launching (`driver.py`) in the place of Triton's own.
"""

from ganzfeld.kernels import card

if card.is_here():
    from ganzfeld.kernels.triton.driver import install

    install()
