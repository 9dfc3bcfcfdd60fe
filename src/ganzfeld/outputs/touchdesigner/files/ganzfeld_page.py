"""A page of custom parameters built from what OSCQuery says of a patch, and kept in step with the show.

Where the patch changes, what changed is updated alone: values, expressions, exports and bindings of all other
parameters stay. Python 3.9; of TouchDesigner only what is handed in: a component and its parameters.
"""

from __future__ import annotations

import math

PAGE = "Patch"
STORED = "ganzfeld_parameters"
HELD = "ganzfeld_held"
KINDS = {"value", "host value", "choice", "knob", "hit", "read"}
ECHO_SECONDS = 0.5
"""How long what the show tells of an address waits after it was turned here: it may be older. The newest word then
holds, for it is the echo of what was turned, or somebody else has turned it since."""
MOST = 2000
"""Parameters of a page."""

TRANSPORT = {
    "/transport/pause": ("Pause", "Toggle"),
    "/transport/speed": ("Speed", "Float"),
    "/tempo/tap": ("Tap", "Pulse"),
    "/master/level": ("Level", "Float"),
    "/master/black": ("Black", "Float"),
    "/master/freeze": ("Freeze", "Toggle"),
}
"""Addresses of the show itself -> parameters that the builder makes."""


def specs_of(tree):
    """What a tree of OSCQuery wants as parameters: address -> spec, in the tree's order. Only the patch's own."""
    found = {}
    nodes = [tree]
    while nodes and len(found) < MOST:
        node = nodes.pop(0)
        tags = node.get("TAGS", [""])
        own = not node["FULL_PATH"].startswith(
            ("/transport/", "/tempo/", "/snapshot/", "/master/", "/clock/", "/show/")
        )
        if own and "TYPE" in node and tags[0] in KINDS:
            found[node["FULL_PATH"]] = _spec(node, tags)
        nodes[:0] = node.get("CONTENTS", {}).values()
    return found


def _spec(node, tags):
    span = (node.get("RANGE") or [{}])[0]
    spec = {
        "label": node["FULL_PATH"].strip("/").replace("/", " "),
        "help": node.get("DESCRIPTION", ""),
        "section": node["FULL_PATH"].split("/")[1],
    }
    if tags[0] == "hit":
        return dict(spec, style="Pulse")
    if node["TYPE"] in ("T", "F"):
        return dict(spec, style="Toggle")
    if "VALS" in span:
        return dict(spec, style="Menu", choices=list(span["VALS"]), names=[str(value) for value in span["VALS"]])
    if node["TYPE"] == "s":
        return dict(spec, style="Str")
    clips = node.get("CLIPMODE") == ["both"]
    style = "Int" if node["TYPE"] == "i" else "Float"
    return dict(spec, style=style, low=span.get("MIN"), high=span.get("MAX"), clips=clips)


def name_of(address, taken):
    """A name that TouchDesigner allows (a capital, then small letters and digits) and nobody has."""
    letters = "".join(each for each in address.lower() if each.isascii() and each.isalnum())
    base = ("P" + letters if not letters[:1].isalpha() else letters.capitalize())[:40]
    name, number = base, 2
    while name in taken:
        name, number = "%sx%d" % (base, number), number + 1
    return name


class ParameterPage:
    """The parameters of one component. parameters: address -> its parameter. specs: address -> what it is."""

    def __init__(self, comp):
        self.comp = comp
        self.specs = {}
        self.parameters = {}
        for address, spec in comp.fetch(STORED, {}).items():
            parameter = comp.par[spec["name"]]
            if parameter is not None:
                self.specs[address], self.parameters[address] = dict(spec), parameter

    def rebuild(self, tree, values=None):
        """Make the page what the tree says. values: of new parameters, by address. What was done, as three lists of
        addresses: added, changed, removed."""
        wanted, values = specs_of(tree), values or {}
        added, changed, removed = [], [], []
        for address in list(self.specs):
            spec = wanted.get(address)
            if spec is None or spec["style"] != self.specs[address]["style"]:
                self.parameters.pop(address).destroy()
                del self.specs[address]
                removed.append(address)
        sections = {spec["section"] for spec in self.specs.values()}
        for address, spec in wanted.items():
            before = self.specs.get(address)
            if before is None:
                self._add(address, spec, values.get(address), spec["section"] not in sections)
                sections.add(spec["section"])
                added.append(address)
            elif dict(spec, name=before["name"]) != before:
                spec["name"] = before["name"]
                _describe(self.parameters[address], spec)
                self.specs[address] = spec
                changed.append(address)
        if added or changed or removed:
            self.comp.store(STORED, {address: dict(spec) for address, spec in self.specs.items()})
        return added, changed, [address for address in removed if address not in wanted]

    def _add(self, address, spec, value, is_first):
        page = next((each for each in self.comp.customPages if each.name == PAGE), None)
        if page is None:
            page = self.comp.appendCustomPage(PAGE)
        taken = {each.name for each in self.comp.customPars}
        spec["name"] = name_of(address, taken)
        parameter = getattr(page, "append" + spec["style"])(spec["name"], label=spec["label"])[0]
        _describe(parameter, spec)
        parameter.startSection = is_first
        if value is not None and spec["style"] != "Pulse":
            set_value(parameter, spec, value)
            parameter.default = parameter.eval()
        self.specs[address], self.parameters[address] = spec, parameter


def _describe(parameter, spec):
    """Range, menu and words of a parameter; its value, expression or binding stays."""
    parameter.label = spec["label"]
    parameter.help = spec["help"]
    if spec["style"] == "Menu":
        parameter.menuNames = spec["names"]
        parameter.menuLabels = spec["names"]
    elif spec["style"] in ("Float", "Int"):
        low, high = spec["low"], spec["high"]
        if low is not None and high is not None:
            parameter.normMin, parameter.normMax = low, high
            if spec["clips"]:
                parameter.min, parameter.max = low, high
        parameter.clampMin = parameter.clampMax = bool(spec["clips"] and low is not None and high is not None)


def value_of(parameter, spec):
    """What a parameter is now, as OSC sends it."""
    value = parameter.eval()
    if spec["style"] == "Menu":
        return spec["choices"][spec["names"].index(value)] if value in spec["names"] else None
    return {"Float": float, "Int": int, "Toggle": bool, "Str": str}[spec["style"]](value)


def set_value(parameter, spec, value):
    """Let a parameter show what the show tells. What does not fit is passed over."""
    if spec["style"] == "Menu":
        if str(value) in spec["names"]:
            parameter.val = str(value)
    elif spec["style"] == "Str":
        parameter.val = str(value)
    elif isinstance(value, (bool, int, float)) and math.isfinite(value):
        parameter.val = {"Float": float, "Int": int, "Toggle": bool}[spec["style"]](value)


class ParameterSync:
    """Carries values both ways, once a frame.

    What a hand, an expression, an export or a binding moves here goes to the show; what moves in the show comes back to
    parameters that nothing here moves. When a show is found (again), everything that was turned here by hand, and
    everything that an expression, an export or a binding moves, is sent to it; the rest shows what the show says.
    """

    def __init__(self, page, link, constant):
        """constant: what the mode of a parameter that nothing moves is equal to (`ParMode.CONSTANT`)."""
        self.page, self.link, self.constant = page, link, constant
        self.held = set(page.comp.fetch(HELD, []))
        self._session = -1
        self._last = {}
        self._turned_at = {}
        self._heard = {}  # the newest words of the show that are not shown yet

    def frame(self, now):
        """now: seconds of a clock that never jumps."""
        watched = dict(self._watched())
        if self._session != self.link.session:
            self._session = self.link.session
            self._meet(watched)
        self._heard.update(self.link.received())
        for address in list(self._heard):
            if now - self._turned_at.get(address, -math.inf) > ECHO_SECONDS:
                value = self._heard.pop(address)
                if address in watched and self._is_news(value, address, *watched[address]):
                    self._show(address, *watched[address], value)
        if self.link.state != "playing":
            return
        held = len(self.held)
        for address, (parameter, spec) in watched.items():
            value = value_of(parameter, spec)
            if value is None or _same(value, self._last.get(address)):
                continue
            self._last[address] = value
            self._turned_at[address] = now
            self.link.send(address, value)
            if parameter.mode == self.constant:
                self.held.add(address)
        if len(self.held) != held:
            self.page.comp.store(HELD, sorted(self.held))

    def pulse(self, name):
        """A pulse was pressed: its address gets a 1. False: the name is no such parameter's."""
        for address, (parameter, spec) in self._watched(pulses=True):
            if parameter.name == name and spec["style"] == "Pulse":
                self.link.send(address, 1)
                return True
        return False

    def _watched(self, pulses=False):
        for address, (name, style) in TRANSPORT.items():
            parameter = self.page.comp.par[name]
            if parameter is not None and (pulses or style != "Pulse"):
                yield address, (parameter, {"style": style})
        for address, parameter in self.page.parameters.items():
            if pulses or self.page.specs[address]["style"] != "Pulse":
                yield address, (parameter, self.page.specs[address])

    def _meet(self, watched):
        """A show was found: what of ours it is to take on is what it has not heard yet."""
        self._last.clear()
        self._heard.clear()
        self.held &= watched.keys()
        for address, (parameter, spec) in watched.items():
            if address not in self.held and parameter.mode == self.constant and address in self.link.values:
                self._show(address, parameter, spec, self.link.values[address])

    def _is_news(self, value, address, parameter, spec):
        """Whether a word of the show is not ours come back, while no hand moves here just now (which goes out then)."""
        last = self._last.get(address)
        return not _same(value, last) and _same(value_of(parameter, spec), last)

    def _show(self, address, parameter, spec, value):
        if parameter.mode == self.constant:
            set_value(parameter, spec, value)
            self._last[address] = value_of(parameter, spec)


def _same(value, last):
    if isinstance(value, float) and isinstance(last, float):
        return abs(value - last) <= 1e-6 * max(1.0, abs(value))
    return type(value) is type(last) and value == last
