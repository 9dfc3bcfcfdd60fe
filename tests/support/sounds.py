"""Sounds made of formulas, and files of them."""

import wave

import numpy as np

RATE = 48000


def sine(hertz, seconds, rate=RATE, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def sweep(low, high, seconds, rate=RATE, amplitude=0.5):
    """A tone that rises by the same interval every second."""
    t = np.arange(round(seconds * rate)) / rate
    speed = np.log(high / low) / seconds
    return (amplitude * np.sin(2 * np.pi * low * (np.exp(speed * t) - 1) / speed)).astype(np.float32)


def noise(seconds, amplitude, rate=RATE, seed=0):
    return (np.random.default_rng(seed).normal(0, amplitude, round(seconds * rate))).astype(np.float32)


def clicks(bpm, seconds, rate=RATE, hiss=0.0, first=0.5):
    """A metronome, and the seconds of its clicks."""
    sound = noise(seconds, hiss, rate) if hiss else np.zeros(round(seconds * rate), np.float32)
    times = np.arange(first, seconds - 0.05, 60 / bpm)
    n = np.arange(round(0.01 * rate)) / rate
    click = (0.8 * np.exp(-n / 0.002) * np.sin(2 * np.pi * 1000 * n + 1)).astype(np.float32)
    for at in times:
        start = round(at * rate)
        sound[start : start + len(click)] += click
    return sound, times


def drums(bpm, seconds, rate=RATE, seed=0):
    """Kick on 1 and 3, snare on 2 and 4, swung hats, over a bass and a chord; and the seconds of the beats."""
    random = np.random.default_rng(seed)
    sound = np.zeros(round((seconds + 1) * rate))
    beat = 60 / bpm
    n = np.arange(round(0.25 * rate)) / rate
    kick = 0.9 * np.sin(2 * np.pi * (50 * n + 5 * (1 - np.exp(-30 * n)))) * np.exp(-14 * n)
    times = np.arange(0, seconds, beat)

    def add(at, part):
        sound[round(at * rate) :][: len(part)] += part

    for k, at in enumerate(times):
        add(at, kick if k % 2 == 0 else 0.5 * random.normal(0, 1, len(n)) * np.exp(-25 * n))
        for hat in (at, at + 0.62 * beat):
            add(hat, 0.15 * random.normal(0, 1, len(n)) * np.exp(-90 * n))
    t = np.arange(len(sound)) / rate
    sound += 0.2 * np.sign(np.sin(2 * np.pi * 55 * t)) * (0.6 + 0.4 * np.sin(2 * np.pi * t / (4 * beat)))
    sound += sum(0.05 * np.sin(2 * np.pi * hertz * t) for hertz in (220, 277, 330))
    return (0.6 * sound[: round(seconds * rate)]).astype(np.float32), times


def write_wave(path, sound, rate=RATE):
    """A stereo WAV file, both channels the same."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.stack([sound, sound], 1) * 32767).astype("<i2").tobytes())
    return path
