# The risky way: a network inside TouchDesigner's own process. For the callbacks of a Script TOP of yours with a Noise
# TOP of 1 x 512 (mono, 32-bit float) at its input; no builder makes it. README.txt says what it asks for.
#
# Not yet run inside TouchDesigner.
import ganzfeld
from ganzfeld import touchdesigner


def onSetupParameters(scriptOp):
    if scriptOp.par["File"] is not None:
        return
    page = scriptOp.appendCustomPage("Network")
    page.appendFile("File", label="Network")
    page.appendPulse("Load", label="Load it again")
    return


def onPulse(par):
    if par.name == "Load":
        touchdesigner.forget(par.owner, "network")
    return


def onCook(scriptOp):
    name = scriptOp.par.File.eval() or "orbits"
    network = touchdesigner.kept(scriptOp, "network", name, lambda: ganzfeld.load_network(name, "cuda"))
    with touchdesigner.on_stream():
        z = touchdesigner.latent(scriptOp.inputs[0], network.z_dim)
        touchdesigner.show(scriptOp, network.synthesis(network.mapping(z, truncation_psi=0.8)))
    return
