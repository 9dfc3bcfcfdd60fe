# Execute DAT: every frame, and when TouchDesigner quits.
import sys

folder = me.parent().par.Folder.eval()
if folder not in sys.path:
    sys.path.append(folder)
import ganzfeld_td


def onFrameStart(frame):
    ganzfeld_td.bridge(me.parent()).frame()
    return


def onExit():
    ganzfeld_td.end_all()
    return
