"""Films and sound devices."""

from __future__ import annotations

from ganzfeld.cli._doctor.finding import Result


def check_video() -> Result:
    """Whether films can be written, and by which encoders."""
    try:
        import av
    except Exception as problem:
        return (
            "missing",
            str(problem).splitlines()[0],
            "pip install av; without it there are no films, only PNG and .npy",
        )
    if not _encodes("libx264"):
        return "missing", f"PyAV {av.__version__}, but its x264 does not encode", "pip install --force-reinstall av"
    hardware = [name for name in ("h264_nvenc", "h264_qsv", "h264_videotoolbox") if _encodes(name)]
    return "works", f"PyAV {av.__version__}, x264" + (f", in hardware: {', '.join(hardware)}" if hardware else ""), ""


def check_sound() -> Result:
    """Which sound devices there are."""
    try:
        import sounddevice  # pyright: ignore[reportMissingImports]
    except ImportError:
        return "missing", "the package sounddevice is not here", 'pip install -c constraints.txt ".[audio]"'
    except OSError:
        return "missing", "PortAudio is not here", "sudo apt install libportaudio2, to play with sound"
    devices = sounddevice.query_devices()
    inputs = [device["name"] for device in devices if device["max_input_channels"] > 0]
    outputs = [device["name"] for device in devices if device["max_output_channels"] > 0]
    aloud = f"; aloud: {', '.join(outputs)}" if outputs else ""
    if not inputs:
        return "missing", f"no microphone or line input{aloud}", "Plug one in, or give the player the right to record"
    return "works", f"{', '.join(inputs)}{aloud}", ""


def check_hosts() -> Result:
    """Which ways there are into other programs, and which of them we have run ourselves."""
    from ganzfeld.outputs.doors.live_stream import ffmpeg_program
    from ganzfeld.outputs.doors.registry import door_kinds

    kinds = {name: kind for name, kind in door_kinds().items() if name not in ("film", "window")}
    there = [name for name, kind in kinds.items() if kind.missing() is None]
    said = ", ".join(f"{name} ({kinds[name].untried})" if kinds[name].untried else name for name in there)
    said += "; SRT through ffmpeg" if ffmpeg_program() else "; no SRT: the program ffmpeg is missing, or has none"
    if "ndi" not in there:
        return "missing", f"{said}; no NDI", 'pip install -c constraints.txt ".[ndi]"'
    return "works", said, ""


def _encodes(codec: str) -> bool:
    """Whether an encoder makes packets of a small picture; being listed is no promise."""
    from fractions import Fraction

    import av
    from av.video.codeccontext import VideoCodecContext

    try:
        context = VideoCodecContext.create(codec, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt, context.time_base = 256, 256, "yuv420p", Fraction(1, 30)
        frame = av.VideoFrame(256, 256, "yuv420p")
        frame.pts = 0
        return bool(context.encode(frame) + context.encode(None))
    except Exception:
        return False
