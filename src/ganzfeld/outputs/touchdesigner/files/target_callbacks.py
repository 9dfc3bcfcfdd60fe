# Callbacks of the Script TOP `target`. What they do is in ganzfeld_td.py, so edits here lose no state.
import sys

folder = me.parent().par.Folder.eval()
if folder not in sys.path:
    sys.path.append(folder)
import ganzfeld_td


def onSetupParameters(scriptOp):
    return


def onPulse(par):
    return


def onCook(scriptOp):
    ganzfeld_td.bridge(scriptOp.parent()).cook(scriptOp)
    return
