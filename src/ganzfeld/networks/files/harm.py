"""Names that could do harm if a reader called them, as every other reader of pickles would.

Ours calls nothing. A name that it does not know stays a name, and a network that does not need it plays. But a file
that refers to one of these was made to attack whoever opens it, and that must be said.
"""

from __future__ import annotations

_EVERY = (
    "_ctypes", "_posixsubprocess", "_pyrepl", "_socket", "_winapi", "ctypes", "importlib", "marshal", "msvcrt", "pip",
    "popen2", "pty", "runpy", "socket", "subprocess", "urllib.request", "urllib2", "webbrowser", "winreg", "zipimport",
)  # fmt: skip
"""Modules, with those within them, of which every name is meant."""
_HARMLESS = {
    "os": {"PathLike", "_Environ", "cpu_count", "environ", "fspath", "getcwd", "path", "sep", "stat_result",
           "statvfs_result", "terminal_size", "times_result", "uname_result", "urandom"},
    "shutil": {"Error", "SameFileError", "_ntuple_diskusage"},
    "sys": {"flags", "float_info", "hash_info", "implementation", "int_info", "maxsize", "thread_info", "version",
            "version_info"},
}  # fmt: skip
"""Modules of which every name is meant but these."""
_HARMLESS["posix"] = _HARMLESS["nt"] = _HARMLESS["os"]
_HARMFUL = {
    "builtins": {"__import__", "breakpoint", "compile", "eval", "exec", "execfile", "file", "input", "open",
                 "raw_input", "reload"},
    "io": {"FileIO", "open", "open_code"},
    "bdb": {"Bdb"},
    "code": {"InteractiveConsole", "InteractiveInterpreter", "interact"},
    "codecs": {"open"},
    "codeop": {"compile_command"},
    "commands": {"getoutput", "getstatusoutput"},
    "pdb": {"Pdb", "run", "runcall", "runeval", "set_trace"},
    "pickle": {"Unpickler", "_Unpickler", "_load", "_loads", "load", "loads"},
    "platform": {"popen"},
    "shelve": {"open"},
    "timeit": {"Timer", "main", "repeat", "timeit"},
    "torch": {"load"},
    "torch.hub": {"download_url_to_file", "load", "load_state_dict_from_url"},
    "torch.jit": {"load"},
    "torch.serialization": {"load"},
    "torch.utils.cpp_extension": {"load", "load_inline"},
    "numpy": {"fromfile", "load", "memmap"},
    "numpy.testing._private.utils": {"runstring"},
}  # fmt: skip
"""Modules of which only these names are meant."""
_HARMFUL["__builtin__"] = _HARMFUL["__builtins__"] = _HARMFUL["builtins"]
_HARMFUL["_io"] = _HARMFUL["io"]
_HARMFUL |= dict.fromkeys(("_pickle", "cPickle", "cloudpickle", "dill", "dill._dill", "joblib"), _HARMFUL["pickle"])


def harmful(module: str, name: str) -> bool:
    """Whether the global `name` of `module` could do harm. A name may have dots, and lead through further modules."""
    first, *others = name.split(".")
    if any(module == name or module.startswith(f"{name}.") for name in _EVERY) or first in _HARMFUL.get(module, ()):
        return True
    if module in _HARMLESS and first not in _HARMLESS[module]:
        return True
    # As ("torch.serialization", "os.system").
    return bool(others) and harmful(first, ".".join(others))
