# Parameter Execute DAT: pulse parameters of the component.
import sys

folder = me.parent().par.Folder.eval()
if folder not in sys.path:
    sys.path.append(folder)
import ganzfeld_td


def onPulse(par):
    ganzfeld_td.bridge(me.parent()).pulse(par.name)
    return
