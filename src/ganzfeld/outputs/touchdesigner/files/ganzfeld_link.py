"""A show of Ganzfeld beside another program: started, found again, asked what can be turned, turned.

It needs Python 3.9 or later and nothing else. TouchDesigner's main thread owns a `Link`; a thread of its own asks the
show once a second, so nothing here makes a frame wait.

    link = Link(folder, {"python": ..., "patch": ..., "name": "ganzfeld", "port": 9420})
    link.begin()
    link.tree, link.tree_number       # the show's OSCQuery answer; the number grows when something of it changed
    link.send("/face/psi", 0.5)
    link.received()                   # {"/face/psi": 0.5}: what changed in the show since the last call
    link.end()                        # the show goes on for a minute, and is found again until then
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

LEAVES_AFTER = 60
"""Seconds for which a show goes on when nobody asks any more."""
ASK_SECONDS = 1.0
STARTS_WITHIN = 90.0
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before the show is started again, after it ended by itself once, twice, …"""
LARGEST_ANSWER = 8 << 20
LARGEST_PACKET = 65536
PACKETS_A_FRAME = 256


class Link:
    """The way to one show. Ports: `port` (TCP) is asked, port + 1 (UDP) hears the show, port + 2 (UDP) is ours.

    state: "off", "starting", "playing", "failed". problem: what is wrong, in words, or "". session: counts the times
    that a show was found. tree: what OSCQuery says of it, without values; values: the newest by address.
    """

    def __init__(self, folder, config):
        self.folder, self.config = folder, dict(config)
        self.port = int(config.get("port", 9420))
        self.state, self.problem = "off", ""
        self.session = self.tree_number = 0
        self.tree = None
        self.values = {}
        self._osc_port = self.port + 1
        self._process = None
        self._started_at = 0.0
        self._failures = 0
        self._again_at = 0.0
        self._refusal = ""
        self._stopping = threading.Event()
        self._thread = None
        self._receiver = self._sender = None

    # The main thread

    def begin(self):
        """Find the show, or start it, and go on asking."""
        if self._thread is not None:
            return
        self._stopping.clear()
        self.state, self.problem = "starting", ""
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sender.setblocking(False)
        self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver.setblocking(False)
        try:
            self._receiver.bind(("127.0.0.1", self.port + 2))
        except OSError as error:
            self.end()
            self.state = "failed"
            self.problem = "UDP port %d is taken (%s): choose another Port" % (self.port + 2, error)
            return
        self._thread = threading.Thread(target=self._ask_on, name="ganzfeld link", daemon=True)
        self._thread.start()

    def end(self):
        """Ask no more. The show goes on for a minute."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(3)
            self._thread = None
        for each in (self._receiver, self._sender):
            if each is not None:
                each.close()
        self._receiver = self._sender = None
        self.state, self.problem = "off", ""

    def restart(self):
        """End the show that was started here, and start it anew."""
        self._failures, self._again_at = 0, 0.0
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        elif self.state == "playing":
            self._refusal = "the show was found, not started, here: switch Active off for a minute to start it anew"

    def send(self, address, *values):
        """Turn something. What the network does not take is left out."""
        if self._sender is not None and self.state == "playing":
            with contextlib.suppress(OSError):
                self._sender.sendto(encode(address, *values), ("127.0.0.1", self._osc_port))

    def received(self):
        """What the show told since the last call, the newest of each address."""
        news = {}
        for _ in range(PACKETS_A_FRAME):
            if self._receiver is None:
                break
            try:
                packet = self._receiver.recv(LARGEST_PACKET)
            except OSError:
                break
            for address, arguments in decode(packet):
                if len(arguments) == 1:
                    news[address] = arguments[0]
        return news

    # The thread that asks

    def _ask_on(self):
        while not self._stopping.is_set():
            try:
                self._look()
            except Exception as error:
                self.problem = "%s: %s" % (type(error).__name__, error)
            self._stopping.wait(ASK_SECONDS if self.state == "playing" else ASK_SECONDS / 4)

    def _look(self):
        host = self._ask("/?HOST_INFO")
        if host is None:
            self._is_away(time.monotonic())
            return
        name = str(host.get("NAME", ""))
        wanted = "Ganzfeld: " + os.path.basename(self.config["patch"])
        if name != wanted:
            self.state = "failed"
            words = "port %d belongs to another show (%s): wait a minute until it ends, or choose another Port"
            self.problem = words % (self.port, name or "unknown")
            return
        tree = self._ask("/")
        if tree is None:
            return
        self._osc_port = int(host.get("OSC_PORT", self.port + 1))
        self.values = dict(_values(tree))
        bare = _without_values(tree)
        if bare != self.tree:
            self.tree = bare
            self.tree_number += 1
        if self.state != "playing":
            self.session += 1
            self._refusal = ""
        self.state, self._failures = "playing", 0
        self.problem = str(self.values.get("/show/error", "")) or self._refusal

    def _ask(self, path):
        """The show's answer, or None. Never through a proxy."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open("http://127.0.0.1:%d%s" % (self.port, path), timeout=2) as answer:
                body = answer.read(LARGEST_ANSWER + 1)
            return json.loads(body) if len(body) <= LARGEST_ANSWER else None
        except (OSError, ValueError, urllib.error.URLError):
            return None

    def _is_away(self, now):
        process = self._process
        if process is not None and process.poll() is None:
            if self.state == "playing":
                self.state, self.problem, self._started_at = "starting", "the show does not answer", now
            elif now - self._started_at > STARTS_WITHIN:
                process.kill()
            return
        if process is not None:
            self._process = None
            self._again_at = now + PAUSES[min(self._failures, len(PAUSES) - 1)]
            self._failures += 1
            self.state = "failed"
            self.problem = "the show ended (code %s): %s" % (process.returncode, self._last_words())
        elif self.state == "playing":
            self.state, self.problem = "starting", "the show is gone; it is started again"
        if now >= self._again_at:
            self._start(now)

    def _start(self, now):
        config = self.config
        for what, path in (("Python", config["python"]), ("the patch", config["patch"])):
            if not os.path.isfile(path):
                self.state = "failed"
                self.problem = "%s is not at %s" % (what, path)
                self._again_at = now + ASK_SECONDS
                return
        words = [config["python"], "-m", "ganzfeld", "play", config["patch"], "--headless"]
        words += ["--to", "shared:" + config["name"], "--osc", str(self.port + 1), "--osc-query", str(self.port)]
        words += ["--osc-out", "127.0.0.1:%d" % (self.port + 2), "--until-left", str(LEAVES_AFTER)]
        if config.get("cuda"):
            words += ["--to", "cuda:%s,order=BGRA,origin=bottom" % config["name"]]
        words += list(config.get("options", ()))
        # TouchDesigner's own Python must not meet the other one.
        environment = {key: value for key, value in os.environ.items() if not key.upper().startswith("PYTHON")}
        environment.update(config.get("environment", {}), PYTHONUNBUFFERED="1")
        apart = {"creationflags": 0x08000000 | 0x00000200} if sys.platform == "win32" else {"start_new_session": True}
        with open(self._log(), "wb") as log:
            self._process = subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **apart
            )
        self.state, self._started_at = "starting", now
        if not self._failures:
            self.problem = ""

    def _log(self):
        return os.path.join(self.folder, "show-%d.log" % self.port)

    def _last_words(self):
        try:
            with open(self._log(), "rb") as log:
                log.seek(0, 2)
                log.seek(max(0, log.tell() - 2000))
                lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        except OSError:
            return "it said nothing"
        return " ".join(lines[-3:])[-400:] or "it said nothing"


def _values(node):
    if node.get("VALUE"):
        yield node["FULL_PATH"], node["VALUE"][0]
    for child in node.get("CONTENTS", {}).values():
        yield from _values(child)


def _without_values(tree):
    bare = copy.deepcopy(tree)
    nodes = [bare]
    while nodes:
        node = nodes.pop()
        node.pop("VALUE", None)
        if node.get("TYPE") == "F":  # T and F are values
            node["TYPE"] = "T"
        nodes += node.get("CONTENTS", {}).values()
    return bare


# OSC 1.0


def encode(address, *values):
    """One message: float → f, int → i, str → s, True and False → T and F."""
    tags, body = ",", b""
    for value in values:
        if isinstance(value, bool):
            tags += "T" if value else "F"
        elif isinstance(value, int):
            tags, body = tags + "i", body + struct.pack(">i", max(-(2**31), min(2**31 - 1, value)))
        elif isinstance(value, float):
            tags, body = tags + "f", body + struct.pack(">f", max(-3e38, min(3e38, value)))
        else:
            tags, body = tags + "s", body + _padded(str(value))
    return _padded(address) + _padded(tags) + body


def decode(packet, depth=0):
    """Messages of a packet as (address, arguments); what cannot be read is left out."""
    try:
        return list(_messages(packet, depth))
    except (struct.error, ValueError, IndexError):
        return []


def _messages(packet, depth):
    if packet[:8] == b"#bundle\0":
        at = 16
        while depth < 8 and at + 4 <= len(packet):
            (size,) = struct.unpack_from(">i", packet, at)
            if size <= 0 or at + 4 + size > len(packet):
                return
            yield from decode(packet[at + 4 : at + 4 + size], depth + 1)
            at += 4 + size
        return
    address, at = _text(packet, 0)
    tags, at = _text(packet, at)
    arguments = []
    for tag in tags[1:]:
        if tag in "TFNI":
            arguments.append({"T": True, "F": False, "N": None, "I": True}[tag])
        elif tag in "sS":
            text, at = _text(packet, at)
            arguments.append(text)
        elif tag in "ifhdt":
            form = ">" + {"t": "Q", "h": "q"}.get(tag, tag)
            (number,) = struct.unpack_from(form, packet, at)
            arguments.append(number)
            at += struct.calcsize(form)
        elif tag not in "[]":
            return
    if address.startswith("/"):
        yield address, arguments


def _text(packet, at):
    end = packet.index(b"\0", at)
    return packet[at:end].decode("utf-8", "replace"), at + (end - at) // 4 * 4 + 4


def _padded(text):
    data = text.encode() + b"\0"
    return data + b"\0" * (-len(data) % 4)
