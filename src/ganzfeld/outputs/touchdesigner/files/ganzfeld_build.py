"""Builds a component in TouchDesigner, once. Run again, it makes what is missing and touches nothing else.

Not yet run inside TouchDesigner: it was written from its documentation and is tested against a strict imitation.
"""

from __future__ import annotations

import json
import os

import td

MEND = "run again: ganzfeld touchdesigner --out"
HOME = "/project1"


def build(folder, setup):
    """Build the set-up of that name from `folder`. What happened, in one sentence."""
    try:
        with open(os.path.join(folder, "setups", setup + ".json"), encoding="utf-8") as file:
            said = json.load(file)
        missing = [each for each in said["files"] if not os.path.isfile(os.path.join(folder, each))]
    except (OSError, ValueError, KeyError) as error:
        return "The set-up '%s' cannot be read from %s (%s): %s %s" % (setup, folder, error, MEND, folder)
    if missing:
        return "In %s these are missing: %s. %s %s" % (folder, ", ".join(missing), MEND.capitalize(), folder)
    if not os.path.isfile(said["python"]):
        return "Python with Ganzfeld is not at %s any more: %s %s" % (said["python"], MEND, folder)
    home = td.op(HOME)
    if home is None:
        return "There is no %s in this project: make a Base COMP of this name, then run this again." % HOME
    builder = _Builder(folder, said)
    comp = builder.component(home)
    if not builder.made:
        return "%s is complete; nothing was changed." % comp.path
    return "%s: made %s. Look at its out1; switch Active off and on there." % (comp.path, ", ".join(builder.made))


class _Builder:
    """made: names of what was not there before."""

    def __init__(self, folder, said):
        self.folder, self.said = folder, said
        self.made = []

    def component(self, home):
        comp = self._op(home, "baseCOMP", self.said["component"], 0, 0)
        self._page(comp)
        self._parameters(comp)
        if self.said["noise"]:
            source = self._op(comp, "noiseTOP", "source", 0, 0)
            if "source" in self.made:
                self._noise(source)
        self._dat(comp, "textDAT", "target_callbacks", 200, -150)
        target = self._op(comp, "scriptTOP", "target", 200, 0)
        if "target" in self.made:
            for each in list(target.docked):  # TouchDesigner makes callbacks of its own
                each.destroy()
            target.par.callbacks = "target_callbacks"
            if self.said["noise"]:
                source.outputConnectors[0].connect(target)
        flip = self._op(comp, "flipTOP", "flip1", 400, 0)
        if "flip1" in self.made:
            target.outputConnectors[0].connect(flip)
        out = self._op(comp, "outTOP", "out1", 600, 0)
        if "out1" in self.made:
            flip.outputConnectors[0].connect(out)
            out.viewer = True
        self._op(comp, "tableDAT", "status", 0, -300)
        info = self._op(comp, "infoDAT", "info", 200, -300)
        if "info" in self.made:
            info.par.op = "target"
        pulses = self._dat(comp, "parameterexecuteDAT", "pulses", 400, -300)
        if "pulses" in self.made:
            pulses.par.op = ".."
            pulses.par.pars = "*"
            pulses.par.valuechange = False
            pulses.par.onpulse = True
            pulses.par.custom = True
            pulses.par.builtin = False
            pulses.par.active = True
        # Last, because it begins at once.
        execute = self._dat(comp, "executeDAT", "execute", 600, -300)
        if "execute" in self.made:
            execute.par.framestart = True
            execute.par.exit = True
            execute.par.active = True
        return comp

    def _op(self, parent, kind, name, x, y):
        found = parent.op(name)
        if found is None:
            found = parent.create(getattr(td, kind), name)
            found.nodeX, found.nodeY = x, y
            self.made.append(name)
        return found

    def _dat(self, parent, kind, name, x, y):
        """A DAT that follows its file, both ways."""
        found = self._op(parent, kind, name, x, y)
        if name in self.made:
            path = os.path.join(self.folder, name + ".py")
            with open(path, encoding="utf-8") as file:
                found.text = file.read()
            if kind == "textDAT":
                found.par.language = "python"
            found.par.file = path
            found.par.syncfile = True
        return found

    def _noise(self, source):
        par = source.par
        par.type, par.amp, par.offset, par.mono = "simplex2d", 0.9, 0, True
        par.tx.expr = "me.time.seconds*.1"
        par.outputresolution = "custom"
        par.resolutionw, par.resolutionh = 1, 512
        par.outputaspect, par.format = "resolution", "mono32float"

    def _page(self, comp):
        """The component's own page."""
        said = self.said
        wanted = (
            ("Toggle", "Active", "Active", True),
            ("Folder", "Folder", "Folder", self.folder),
            ("File", "Patch", "Patch", said["patch"]),
            ("File", "Python", "Python with Ganzfeld", said["python"]),
            ("Str", "Sharedname", "Name of its Pictures", said["shared"]),
            ("Str", "Inputname", "Name of the Input", said["input"]),
            ("Int", "Port", "Port (and the Next Two)", said["port"]),
            ("Str", "Options", "Options of ganzfeld play", ""),
            ("Toggle", "Cuda", "Pictures on the Card", False),
            ("Toggle", "Pause", "Pause", False),
            ("Float", "Speed", "Speed", 1.0),
            ("Pulse", "Restart", "Restart", None),
            ("Pulse", "Tap", "Tap the Beat", None),
            ("Float", "Level", "Level", 1.0),
            ("Float", "Black", "Black", 0.0),
            ("Toggle", "Freeze", "Freeze", False),
        )
        page = next((each for each in comp.customPages if each.name == "Ganzfeld"), None)
        for style, name, label, value in wanted:
            if comp.par[name] is not None:
                continue
            if page is None:
                page = comp.appendCustomPage("Ganzfeld")
            parameter = getattr(page, "append" + style)(name, label=label)[0]
            if value is not None:
                parameter.default = value
                parameter.val = value
            if style == "Float":
                parameter.normMin, parameter.normMax = 0.0, 4.0 if name == "Speed" else 1.0
            if style == "Int":
                parameter.min, parameter.max, parameter.clampMin, parameter.clampMax = 1024, 65533, True, True
            self.made.append(name)

    def _parameters(self, comp):
        """The patch's page, from the answer of OSCQuery that lies in the folder; and the set-up's expressions."""
        import ganzfeld_page

        if comp.fetch(ganzfeld_page.STORED, None) is not None:
            return
        page = ganzfeld_page.ParameterPage(comp)
        added, _, _ = page.rebuild(self.said["tree"], self.said["values"])
        for address, expression in self.said["expressions"].items():
            parameter = page.parameters.get(address)
            if parameter is not None:
                parameter.expr = expression
                parameter.mode = td.ParMode.EXPRESSION
        if added:
            self.made.append("%d parameters" % len(added))
