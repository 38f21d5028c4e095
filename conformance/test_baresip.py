"""baresip places a call with audio, and what it heard is measured.

baresip 1.0, which Debian 12 has, gives up on a 407 in which any challenge names an algorithm other than MD5, even
behind one that it knows. So this server offers MD5 alone, as docs/operating.md tells the owners of such devices.
"""

import json
import math
import pathlib
import struct
import subprocess
import wave

import pytest

from trunkline_server import Server

OWNED = "+12065550150"
RATE = 8000
MODULES = next(
    it for it in map(pathlib.Path, ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"]) if it.is_dir()
)


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


class Baresip:
    """A user agent without sound devices: it plays a file and writes down what it hears."""

    def __init__(self, home, server, domain, password, transport="udp", srtp=False):
        self.home = home
        host, port = server.sip(transport)
        write_tone(home / "source.wav", 440, 20)
        # An account's encryption must be known before the account is read.
        modules = ["srtp.so"] if srtp else []
        modules += ["g711.so", "account.so", "aufile.so", "aubridge.so", "sndfile.so"]
        encryption = ";mediaenc=srtp-mand" if srtp else ""
        (home / "config").write_text(
            f"module_path {MODULES}\n"
            + "".join(f"module {it}\n" for it in modules)
            + "module_app menu.so\n"
            + "sip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\n"
            # The certificate that the server made for itself is all that is believed.
            + f"sip_verify_server yes\nsip_cafile {server.data_dir}/sip-tls.crt\n"
            + f"audio_source aufile,{home}/source.wav\n"
            + "audio_player aubridge,sink\naudio_alert aubridge,alert\n"
            + f"ausrc_srate {RATE}\nauplay_srate {RATE}\nausrc_channels 1\nauplay_channels 1\n"
            + f"snd_path {home}\nrtp_ports 36000-36100\n"
        )
        (home / "accounts").write_text(
            f"<sip:{OWNED}@{domain}>;auth_user=pbx;auth_pass={password};regint=0;"
            f'outbound="sip:{host}:{port};transport={transport}";audio_codecs=PCMU{encryption}\n'
        )

    def call(self, uri, seconds):
        self.log = self.home / "baresip.log"
        with open(self.log, "wb") as log:
            done = subprocess.run(
                ["baresip", "-4", "-f", self.home, "-e", f"/dial {uri}", "-t", str(seconds)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=seconds + 30,
            )
        return done.returncode

    def heard(self):
        dumps = sorted(self.home.glob("dump-*-dec.wav"))
        assert dumps, self.log.read_text(errors="replace")
        return read_samples(dumps[-1])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("trunkline")
    with Server(home, TRUNKLINE_SIP__DIGEST_ALGORITHMS='["MD5"]') as running:
        yield running


@pytest.fixture(scope="module")
def trunk(server):
    voice = server.client()
    server.run("number", "add", OWNED, "--account", "000000000000")
    made = voice.create_voice_connector(Name="baresip", RequireEncryption=False)["VoiceConnector"]
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    voice.put_voice_connector_termination(
        **it,
        Termination={"CpsLimit": 50, "CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]},
    )
    voice.put_voice_connector_termination_credentials(
        **it, Credentials=[{"Username": "pbx", "Password": "secret"}]
    )
    return made


@pytest.mark.parametrize("called, hertz", [("+12065550120", 1000), ("+12065550100", 440)])
def test_the_audio_that_baresip_hears_is_the_far_ends(server, trunk, tmp_path, called, hertz):
    """…0120 plays a 1 kHz tone; …0100 sends back the 440 Hz that baresip plays."""
    agent = Baresip(tmp_path, server, trunk["OutboundHostName"], "secret")
    agent.call(f"sip:{called}@{trunk['OutboundHostName']}", seconds=6)
    samples, rate = agent.heard()
    assert len(samples) > 2 * rate, agent.log.read_text(errors="replace")
    window = loudest_second(samples, rate)
    assert share_of_tone(window, rate, hertz) > 0.9
    assert share_of_tone(window, rate, 440 if hertz == 1000 else 1000) < 0.05


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_the_audio_of_a_call_over_a_connection_is_the_far_ends(server, trunk, tmp_path, transport):
    agent = Baresip(tmp_path, server, trunk["OutboundHostName"], "secret", transport)
    agent.call(f"sip:+12065550120@{trunk['OutboundHostName']};transport={transport}", seconds=6)
    samples, rate = agent.heard()
    assert len(samples) > 2 * rate, agent.log.read_text(errors="replace")
    assert share_of_tone(loudest_second(samples, rate), rate, 1000) > 0.9


def test_the_record_of_a_heard_call_tells_its_quality(server, trunk):
    listed = json.loads(
        server.run("calls", "--connector", trunk["VoiceConnectorId"], "--output", "json").stdout
    )
    answered = [it for it in listed["calls"] if it["state"] == "completed"]
    assert len(answered) == 4
    for it in answered:
        assert [leg["leg"] for leg in it["quality"]] == ["caller", "called"]
        for leg in it["quality"]:
            assert leg["packets"] > 100 and leg["mos"] > 4.0
