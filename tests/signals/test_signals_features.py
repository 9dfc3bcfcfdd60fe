"""What is heard in sounds that are known exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.errors import SignalError
from ganzfeld.signals.features import HIGHEST_HZ, LOWEST_HZ, Features
from ganzfeld.signals.tempo import TempoTracker
from sounds import RATE, clicks, drums, noise, sine, sweep


def last(sound, rate=RATE, **options):
    return Features(rate, **options).feed(sound)[-1]


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("band", range(8))
def test_a_sine_in_the_middle_of_each_band(band, rate):
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, 9)
    heard = last(sine(np.sqrt(edges[band] * edges[band + 1]), 1, rate), rate)
    assert int(np.argmax(heard.bands)) == band
    assert heard.bands[band] > 0.95
    # The two lowest bands are as narrow as the window can see; further off there is nothing at all.
    assert all(value < 0.05 for k, value in enumerate(heard.bands) if abs(k - band) > (1 if band > 2 else 2))


@pytest.mark.parametrize(("hertz", "name"), [(60, "bass"), (150, "bass"), (1000, "mid"), (3000, "mid"), (8000, "high")])
def test_bass_mid_and_high(hertz, name):
    heard = last(sine(hertz, 1))
    loudness = {part: getattr(heard, part) for part in ("bass", "mid", "high")}
    assert loudness.pop(name) > 0.95
    assert max(loudness.values()) < 0.2


def test_a_sweep_goes_through_the_bands_in_order_and_the_centroid_rises():
    heard = Features(RATE, release=0.02).feed(sweep(45, 15000, 8))[40:]
    loudest = [int(np.argmax(one.bands)) for one in heard]
    assert loudest == sorted(loudest)
    assert set(loudest) == set(range(8))
    centroids = np.array([one.centroid for one in heard])
    assert np.all(np.diff(centroids) > -1e-3)
    # An octave is an octave: the centroid of a tone that rises evenly rises evenly.
    middle = slice(len(heard) // 4, -len(heard) // 10)
    assert np.ptp(np.diff(centroids)[middle]) < 1e-3
    assert not any(one.onset for one in heard)


def test_the_centroid_is_where_the_tone_is():
    for hertz in (100, 632.5, 4000):
        expected = np.log2(hertz / LOWEST_HZ) / np.log2(HIGHEST_HZ / LOWEST_HZ)
        assert last(sine(hertz, 2)).centroid == pytest.approx(expected, abs=0.02)


def test_silence_is_nothing_and_hiss_is_not_blown_up():
    heard = last(np.zeros(RATE, np.float32))
    assert (heard.level, heard.bass, heard.mid, heard.high, *heard.bands) == (0.0,) * 12
    assert last(noise(3, 3e-4)).level < 0.6


@pytest.mark.parametrize("offset", [0.005, 0.02, -0.3])
def test_a_constant_offset_is_no_sound(offset):
    features = Features(RATE)
    heard = features.feed(np.concatenate([sine(1000, 2, amplitude=0.2), np.zeros(2 * RATE, np.float32)]) + offset)
    tone, silence = heard[370], heard[-1]
    assert (tone.level, tone.mid) == (pytest.approx(1, abs=0.01), pytest.approx(1, abs=0.01))
    assert tone.bass < 0.02
    assert (silence.level, silence.bass, silence.mid, silence.high) == (pytest.approx(0, abs=1e-4),) * 4
    assert not any(one.onset for one in heard[400:])
    # One that wanders slowly, as warm electronics do.
    slow = offset * np.sin(2 * np.pi * 0.2 * np.arange(4 * RATE) / RATE)
    assert Features(RATE).feed(slow.astype(np.float32))[-1].bass < 0.35


def test_bass_is_not_taken_for_an_offset():
    plain = [one.bass for one in Features(RATE).feed(sine(45, 2, amplitude=0.1))]
    assert plain[-1] > 0.97


def test_the_tone_of_a_room_is_no_beat_in_a_pause():
    music, pause = drums(120, 8)[0], noise(20, 0.0015, seed=1)  # −56 dB, for longer than the music is remembered
    features = Features(RATE)
    tracker = TempoTracker(features.hop_seconds)
    heard = features.feed(np.concatenate([music, pause, music]))
    beats = [tracker.feed(one.rise) for one in heard]
    begin, end = round(9 * RATE / 256), round(28 * RATE / 256)
    quiet = heard[begin:end]
    assert max(one.level for one in quiet[300:]) < 0.01
    assert max(max(one.bass, one.mid, one.high, *one.bands) for one in quiet[300:]) < 0.01
    assert not any(one.onset for one in quiet)
    assert not any(beats[begin + 800 : end])
    assert any(one.onset for one in heard[end : end + 50]), "and the music is there at once"
    # A floor below the room's tone: then it is a sound.
    assert Features(RATE, floor=-70).feed(pause)[-1].level > 0.9
    for floor in (-130, 1, np.nan):
        with pytest.raises(SignalError, match="decibels"):
            Features(RATE, floor=floor)


def test_a_floor_comes_in_softly():
    levels = [last(sine(440, 3, amplitude=10 ** (db / 20) * np.sqrt(2))).level for db in (-52, -49, -47, -45, -43, -38)]
    assert levels == sorted(levels)
    assert levels[0] == 0
    assert 0 < levels[1] < 0.3 < levels[-2] < levels[-1]
    assert levels[-1] == pytest.approx(1, abs=0.02)


def test_sides_in_opposite_phase_are_as_loud_as_in_phase():
    sound = drums(124, 2)[0]
    same, opposite, one = (
        Features(RATE).feed(np.stack([sound, other], 1)) for other in (sound, -sound, np.zeros_like(sound))
    )
    assert [each.level for each in opposite] == [each.level for each in same]
    assert [each.onset for each in opposite] == [each.onset for each in same]
    assert opposite[-1].bands == pytest.approx(same[-1].bands, abs=1e-6)
    assert one[-1].level == pytest.approx(same[-1].level, abs=0.02), "against the loudest"
    many = np.zeros((RATE, 32), np.float32)
    many[:, 17] = sine(440, 1)
    assert Features(RATE).feed(many)[-1].level > 0.95
    changing = Features(RATE)
    for channels in (1, 2, 200, 1):
        assert changing.feed(np.tile(sine(440, 0.5)[:, None], channels))[-1].level > 0.9


def test_quiet_and_loud_rooms_move_a_picture_alike():
    loud, quiet = (last(sine(440, 3, amplitude=amplitude)) for amplitude in (0.9, 0.02))
    assert loud.level == pytest.approx(quiet.level, abs=0.01)
    # But within one room loud and soft differ: 18 dB down is half of the range.
    soft = np.concatenate([sine(440, 2, amplitude=0.8), sine(440, 0.7, amplitude=0.1)])
    assert last(soft).level == pytest.approx(0.5, abs=0.05)


def test_a_loud_moment_is_forgotten():
    sound = np.concatenate([sine(440, 1, amplitude=1.0), sine(440, 14, amplitude=0.1)])
    levels = [one.level for one in Features(RATE).feed(sound)]
    assert levels[375] < 0.6
    assert levels[-1] > 0.98


def test_attack_and_release():
    sound = np.concatenate([np.zeros(RATE // 2, np.float32), sine(440, 1), np.zeros(RATE, np.float32)])

    def seconds(values, start, condition):
        after = np.array(values[start:])
        return int(np.argmax(condition(after))) * 256 / RATE

    for attack, release in ((0.005, 0.15), (0.2, 0.5)):
        levels = [one.level for one in Features(RATE, attack=attack, release=release).feed(sound)]
        on, off = RATE // 2 // 256, RATE * 3 // 2 // 256
        assert seconds(levels, on, lambda after: after > 0.632) == pytest.approx(attack, abs=0.016)
        assert seconds(levels, off, lambda after: after < 0.368) == pytest.approx(release, abs=0.016)


@pytest.mark.parametrize("hertz", [60, 1000, 8000])
def test_everything_is_at_most_20_ms_behind(hertz):
    """By samples: the tone begins with a hop; when is half of it seen? And one hop for the block."""
    features = Features(RATE)
    quiet = 100
    before = noise(quiet * features.hop / RATE, 1e-4)
    heard = features.feed(np.concatenate([before, sine(hertz, 0.5)]))[quiet:]
    final = heard[-1]
    for read in (lambda one: one.level / final.level, lambda one: max(one.bands) / max(final.bands)):
        hops = next(k for k, one in enumerate(heard) if read(one) > 0.5)
        assert (hops + 1) * features.hop_seconds <= 0.020
    onset = next(k for k, one in enumerate(heard) if one.onset)
    assert (onset + 1) * features.hop_seconds <= 0.020


@pytest.mark.parametrize("bands", [1, 3, 32, 64])
def test_as_many_bands_as_wanted(bands):
    heard = last(noise(1, 0.1), bands=bands)
    assert len(heard.bands) == bands
    assert min(heard.bands) > 0.3
    with pytest.raises(SignalError, match="1 to 64 bands"):
        Features(RATE, bands=65)


@pytest.mark.parametrize("hiss", [0.0, 0.01])
@pytest.mark.parametrize("bpm", [60, 124, 240])
def test_each_click_is_one_onset_within_one_hop(bpm, hiss):
    sound, times = clicks(bpm, 10, hiss=hiss)
    features = Features(RATE)
    onsets = [k * features.hop_seconds for k, one in enumerate(features.feed(sound)) if one.onset]
    onsets = [at for at in onsets if at > 0.2]  # the hiss itself begins, too
    assert len(onsets) == len(times)
    # A hop holds the samples from its time on; the click lies in it or just before.
    assert np.all(np.abs(np.array(onsets) - times) <= features.hop_seconds)


@pytest.mark.parametrize("sound", [sine(440, 5), noise(5, 0.1), sweep(50, 12000, 5)], ids=["tone", "noise", "sweep"])
def test_what_goes_on_has_no_onsets_and_no_tempo(sound):
    features = Features(RATE)
    tracker = TempoTracker(features.hop_seconds)
    heard = features.feed(sound)
    assert [k for k, one in enumerate(heard) if one.onset] in ([], [0], [1])
    assert not any(tracker.feed(one.rise) for one in heard)
    assert tracker.bpm is None


def test_quiet_hits_beside_loud_ones():
    sound = np.zeros(RATE * 4, np.float32)
    for k in range(16):
        start = RATE // 8 + k * RATE // 4
        burst = sine(80 if k % 2 == 0 else 9000, 0.1, amplitude=0.8 if k % 2 == 0 else 0.03)
        sound[start : start + len(burst)] += burst * np.linspace(1, 0, len(burst)) ** 2
    assert sum(one.onset for one in Features(RATE).feed(sound)) == 16


def track(sound, rate=RATE, around=None):
    """The tracker at the end, its tempi, and the seconds of the beats."""
    features = Features(rate)
    tracker = TempoTracker(features.hop_seconds, around)
    tempi, beats = [], []
    for k, one in enumerate(features.feed(sound)):
        if tracker.feed(one.rise):
            beats.append((k + 1) * features.hop_seconds)
        tempi.append(tracker.bpm)
    return tracker, tempi, np.array(beats)


@pytest.mark.parametrize("hiss", [0.0, 0.02])
@pytest.mark.parametrize("bpm", [60, 76.5, 124, 174, 200])
def test_tempo_of_a_metronome(bpm, hiss):
    sound, times = clicks(bpm, 12, hiss=hiss)
    tracker, tempi, beats = track(sound)
    known = tempi[round(7 * RATE / 256) :]
    assert all(tempo == pytest.approx(bpm, rel=0.02) for tempo in known)
    assert tracker.bpm == pytest.approx(bpm, rel=1e-3)
    # From then on there is a beat at each click, and no other.
    late = beats[beats > 7]
    due = times[(times > 7) & (times < 11.9)]
    assert len(late[late < due[-1] + 0.1]) == pytest.approx(len(due), abs=1)
    assert all(np.min(np.abs(times - at)) < 0.02 for at in late if at < times[-1] + 0.1)


def test_tempo_at_another_rate():
    tracker, _, _ = track(clicks(132, 10, 44100)[0], 44100)
    assert tracker.bpm == pytest.approx(132, rel=1e-3)


@pytest.mark.parametrize("bpm", [92, 124, 140])
def test_tempo_of_drums_in_a_mix(bpm):
    sound, times = drums(bpm, 12)
    tracker, _, beats = track(sound)
    assert tracker.bpm == pytest.approx(bpm, rel=0.02)
    onsets = np.array([k * 256 / RATE for k, one in enumerate(Features(RATE).feed(sound)) if one.onset])
    struck = np.concatenate([times, times + 0.62 * 60 / bpm])
    assert all(np.min(np.abs(onsets - at)) < 0.02 for at in struck[struck < 11.9])  # the quiet hats, too
    assert all(np.min(np.abs(struck - at)) < 0.02 for at in onsets if at < 11.9)
    assert all(np.min(np.abs(times - at)) < 0.03 for at in beats if 6 < at < times[-1])


def test_a_tempo_that_is_expected_decides_between_octaves():
    for around, bpm in ((80, 90), (160, 180), (None, 90)):
        assert track(clicks(90, 10)[0], around=around)[0].bpm == pytest.approx(bpm, rel=0.01)


def test_a_tempo_that_changes_is_followed():
    sound = np.concatenate([clicks(100, 8)[0], clicks(133, 12)[0]])
    assert track(sound)[0].bpm == pytest.approx(133, rel=0.02)


def test_beats_end_with_the_music():
    sound = np.concatenate([clicks(120, 8)[0], np.zeros(6 * RATE, np.float32)])
    tracker, _, beats = track(sound)
    assert tracker.bpm is None
    assert beats[-1] < 8 + 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=20), st.integers(0, 3))
def test_the_size_of_blocks_does_not_matter(sizes, channels):
    sound = drums(124, 1)[0][: sum(sizes)]
    whole, pieces = Features(RATE), Features(RATE)
    heard, at = [], 0
    for size in sizes:
        block = sound[at : at + size]
        heard += pieces.feed(np.stack([block] * channels, 1) if channels else block)
        at += size
    assert len(heard) == len(sound) // whole.hop
    if channels < 3:  # the mean of three equal numbers is not always that number
        assert heard == whole.feed(sound)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e30])
def test_broken_samples_do_not_spoil_what_follows(wrong):
    features = Features(RATE)
    features.feed(np.full(RATE // 10, wrong, np.float32))
    for one in features.feed(sine(440, 1)):
        values = (one.level, one.bass, one.mid, one.high, *one.bands, one.centroid)
        assert all(0 <= value <= 1 for value in values)
    assert np.isfinite(one.rise)
