"""For whoever has TouchDesigner: run once inside it, with a component built, and send us the file it writes.

    exec(open(r"FOLDER/capture.py", encoding="utf-8").read())

It writes `capture.json` beside itself: versions, parameter names and defaults of the operators that we use, what
orientation and channel order a Script TOP and `numpyArray` have, and what goes wrong.
"""

import json
import os
import sys
import traceback

import numpy as np
import td

FOLDER = r"@FOLDER@"
CALLBACKS = """
import numpy as np
def onSetupParameters(scriptOp): return
def onPulse(par): return
def onCook(scriptOp):
    pixels = np.zeros((3, 2, 4), np.uint8)
    pixels[0, 0] = 255, 0, 0, 255      # first row, first column: red
    pixels[2, 1] = 0, 0, 255, 128      # last row, last column: blue, half transparent
    scriptOp.copyNumpyArray(pixels)
    scriptOp.addWarning('a warning')
    scriptOp.store('inputs', len(scriptOp.inputs))
"""


def _tried(what):
    try:
        return what()
    except Exception:
        return "failed: " + traceback.format_exc(limit=1)


def capture():
    found = {"python": sys.version, "numpy": np.__version__, "platform": sys.platform}
    found["build"] = _tried(lambda: str(td.app.version) + "." + str(td.app.build))
    home = td.op("/project1")
    comp = home.create(td.baseCOMP, "ganzfeld_capture")
    kinds = [
        "noiseTOP",
        "scriptTOP",
        "flipTOP",
        "outTOP",
        "textDAT",
        "tableDAT",
        "executeDAT",
        "parameterexecuteDAT",
        "infoDAT",
    ]
    for kind in kinds:
        made = comp.create(getattr(td, kind), kind.lower())
        found[kind] = {
            par.name: [par.style, _tried(lambda par=par: repr(par.default)), list(par.menuNames or ())]
            for par in made.pars()
        }
    found["docked"] = _tried(lambda: [each.name for each in comp.op("scripttop").docked])
    callbacks, script = comp.op("textdat"), comp.op("scripttop")
    callbacks.text = CALLBACKS
    script.par.callbacks = callbacks
    comp.op("noisetop").outputConnectors[0].connect(script)
    script.cook(force=True)
    pixels = script.numpyArray()
    found["script_pixels"] = pixels.tolist()
    found["lowest_left_sample"] = _tried(lambda: list(script.sample(x=0, y=0)))
    found["warnings"] = _tried(lambda: script.warnings())
    found["inputs_seen"] = script.fetch("inputs", None)
    noise = comp.op("noisetop")
    noise.par.outputresolution, noise.par.resolutionw, noise.par.resolutionh = "custom", 1, 4
    noise.par.format = "mono32float"
    array = noise.numpyArray()
    found["mono_shape"], found["mono_dtype"] = list(array.shape), str(array.dtype)
    found["delayed_first"] = _tried(lambda: noise.numpyArray(delayed=True) is None)
    page = comp.appendCustomPage("Capture")
    found["custom"] = {}
    for name in ("Good", "Good2", "bad", "Bad_name", "BadName"):
        found["custom"][name] = _tried(lambda name=name: page.appendFloat(name, label="x")[0].name)
    par = comp.par.Good
    par.expr = "math.sin(absTime.seconds)"
    found["mode_after_expr"] = str(par.mode)
    found["missing_par"] = _tried(lambda: comp.par["Nothing"])
    menu = page.appendMenu("Menu", label="x")[0]
    menu.menuNames = ["a b", "1.5", "ü"]
    found["menu"] = [menu.menuNames, menu.eval()]
    comp.destroy()
    built = [each for each in home.children if each.op("target") is not None and each.op("status") is not None]
    found["components"] = {
        each.name: {
            "status": [[str(cell) for cell in row] for row in each.op("status").rows()],
            "warnings": _tried(lambda each=each: each.op("target").warnings()),
            "size": [each.op("target").width, each.op("target").height],
        }
        for each in built
    }
    path = os.path.join(FOLDER, "capture.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1, default=str)
    print("Written: " + path)


capture()
