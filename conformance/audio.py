"""Tones, written to files that user agents play, and found again in what they heard."""

import math
import struct
import wave

RATE = 8000


def write_tone(path, hertz, seconds):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        samples = (int(12000 * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(RATE * seconds))
        out.writeframes(b"".join(struct.pack("<h", it) for it in samples))


def read_samples(path):
    with wave.open(str(path)) as heard:
        assert heard.getsampwidth() == 2
        raw = heard.readframes(heard.getnframes())
        return [it[0] for it in struct.iter_unpack("<h", raw)][:: heard.getnchannels()], heard.getframerate()


def share_of_tone(samples, rate, hertz):
    """The part of the signal's energy that lies at one frequency (Goertzel), 0.0–1.0."""
    step = 2 * math.cos(2 * math.pi * hertz / rate)
    before = last = 0.0
    for it in samples:
        before, last = last, it + step * last - before
    power = last * last + before * before - step * last * before
    total = sum(it * it for it in samples)
    return 2 * power / (len(samples) * total) if total else 0.0


def loudest_second(samples, rate):
    windows = [samples[at : at + rate] for at in range(0, max(1, len(samples) - rate), rate // 4)]
    return max(windows, key=lambda window: sum(it * it for it in window))
