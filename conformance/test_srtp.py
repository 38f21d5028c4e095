"""SRTP on the wire, judged by libsrtp and by baresip: what they protect is heard, and nobody else's packets are."""

import base64
import json
import os
import re
import socket
import struct
import time

import pylibsrtp
import pytest

from account import connector_of
from audio import loudest_second, share_of_tone
from baresip import OWNED, Baresip
from sip_wire import Caller, contact, to_tag
from trunkline_server import Server

ECHO = "+12065550100"
TONE = "+12065550120"
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "AEAD_AES_256_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
}
SSRC = 0x5EED


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("trunkline")
    settings = {"TRUNKLINE_SIP__DIGEST_ALGORITHMS": '["MD5"]', "TRUNKLINE_SIP__TLS__LISTEN": "127.0.0.1:0"}
    with Server(home, **settings) as running:
        running.run("number", "add", OWNED, "--account", "000000000000")
        yield running


@pytest.fixture(scope="module")
def plain(server):
    return connector_of(server, "may-encrypt")


@pytest.fixture(scope="module")
def encrypted(server):
    return connector_of(server, "must-encrypt", "secret", encryption=True)


class Phone(Caller):
    """A caller whose media libsrtp protects."""

    def __init__(self, server, domain, suite, called=ECHO):
        super().__init__(server, domain, OWNED, called)
        self.profile, length = SUITES[suite]
        self.suite, self.key = suite, os.urandom(length)
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind(("127.0.0.1", 0))
        self.media.settimeout(5)

    def __exit__(self, *_):
        self.media.close()
        super().__exit__()

    def offer(self, lines=None):
        key = base64.b64encode(self.key).decode()
        keys = lines or f"a=crypto:5 {self.suite} inline:{key}|2^31\r\n"
        return self.sdp(self.media.getsockname()[1]).replace("RTP/AVP", "RTP/SAVP") + keys

    def call(self):
        self.send("INVITE", body=self.offer())
        status, text = self.final()
        assert status == 200, text
        self.acknowledge(text, contact(text))
        self.answer = text
        assert "RTP/SAVP" in text
        tag, suite, key = re.search(r"a=crypto:(\d+) (\S+) inline:(\S+)", text).groups()
        assert (tag, suite) == ("5", self.suite)
        port = int(re.search(r"m=audio (\d+)", text).group(1))
        self.relay = ("127.0.0.1", port)
        self.outbound = self.session(self.key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self.inbound = self.session(base64.b64decode(key), pylibsrtp.Policy.SSRC_ANY_INBOUND)
        return text

    def session(self, key, direction):
        policy = pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=self.profile)
        return pylibsrtp.Session(policy=policy)

    def packet(self, number, payload):
        return struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160 & 0xFFFFFFFF, SSRC) + payload

    def hang_up(self):
        self.send("BYE", uri=contact(self.answer), to_tag=to_tag(self.answer))
        return self.final()

    def echoes(self, seconds):
        """Payloads that come back authentic within that time."""
        heard, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            self.media.settimeout(max(0.01, end - time.monotonic()))
            try:
                datagram = self.media.recv(2048)
            except TimeoutError:
                break
            heard.append(self.inbound.unprotect(datagram)[12:])
        return heard


@pytest.mark.parametrize("suite", SUITES)
def test_libsrtp_and_the_relay_understand_each_other_over_a_rollover(server, plain, suite):
    with Phone(server, plain["OutboundHostName"], suite) as phone:
        phone.call()
        sent = []
        for number in range(65_510, 65_580):
            payload = bytes([number & 0xFF]) * 160
            phone.media.sendto(phone.outbound.protect(phone.packet(number, payload)), phone.relay)
            sent.append(payload)
            time.sleep(0.005)
        heard = phone.echoes(1)
        assert heard == sent
        assert phone.hang_up()[0] == 200


def test_replayed_forged_and_clear_packets_and_a_strangers_go_no_further(server, plain):
    with Phone(server, plain["OutboundHostName"], "AES_CM_128_HMAC_SHA1_80") as phone:
        phone.call()
        genuine = [phone.outbound.protect(phone.packet(n, bytes([n]) * 160)) for n in range(1, 11)]
        other = phone.session(os.urandom(30), pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.bind(("127.0.0.2", 0))
        stranger.settimeout(0.3)
        for number, packet in enumerate(genuine, 1):
            phone.media.sendto(packet, phone.relay)
            phone.media.sendto(packet, phone.relay)
            flipped = packet[:20] + bytes([packet[20] ^ 1]) + packet[21:]
            phone.media.sendto(flipped, phone.relay)
            phone.media.sendto(other.protect(phone.packet(500 + number, b"\x01" * 160)), phone.relay)
            phone.media.sendto(phone.packet(900 + number, b"\x02" * 160), phone.relay)
            stranger.sendto(phone.packet(1000 + number, b"\x03" * 160), phone.relay)
            stranger.sendto(packet, phone.relay)
        assert phone.echoes(1) == [bytes([n]) * 160 for n in range(1, 11)]
        with pytest.raises(TimeoutError):
            stranger.recv(2048)
        stranger.close()
        phone.hang_up()


def test_bleeding_a_call_in_clear_gets_a_stranger_nothing(server, plain):
    """Who sprays packets at the relay's ports is not answered, and not heard."""
    caller = Caller(server, plain["OutboundHostName"], OWNED, TONE)
    media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    media.bind(("127.0.0.1", 0))
    media.settimeout(5)
    with caller, media:
        caller.send("INVITE", body=caller.sdp(media.getsockname()[1]))
        status, text = caller.final()
        assert status == 200, text
        caller.acknowledge(text, contact(text))
        relay = ("127.0.0.1", int(re.search(r"m=audio (\d+)", text).group(1)))
        header = struct.pack("!BBHII", 0x80, 0, 1, 160, SSRC)
        media.sendto(header + b"\xff" * 160, relay)
        media.recv(2048)
        strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(5)]
        for at, stranger in enumerate(strangers):
            stranger.bind((f"127.0.0.{at + 2}", 0))
            stranger.settimeout(0.2)
            for number in range(50):
                for port in (relay[1], relay[1] + 1):
                    packet = struct.pack("!BBHII", 0x80, 0, number, number * 160, at) + b"\xff" * 160
                    stranger.sendto(packet, ("127.0.0.1", port))
        for stranger in strangers:
            with pytest.raises(TimeoutError):
                stranger.recv(2048)
            stranger.close()
        # The caller still hears the tone.
        assert len(media.recv(2048)) == 172
        caller.send("BYE", uri=contact(text), to_tag=to_tag(text))
        assert caller.final()[0] == 200


def test_offers_that_take_protection_away_are_refused_with_a_reason(server, plain):
    key = base64.b64encode(bytes(30)).decode()
    suite = "AES_CM_128_HMAC_SHA1_80"
    for lines in [
        f"a=crypto:1 {suite} inline:{key} UNENCRYPTED_SRTP\r\n",
        f"a=crypto:1 F8_128_HMAC_SHA1_80 inline:{key}\r\n",
        f"a=crypto:1 {suite} inline:{key[:20]}\r\n",
    ]:
        with Phone(server, plain["OutboundHostName"], suite) as phone:
            phone.send("INVITE", body=phone.offer(lines))
            status, text = phone.final()
            assert status == 488 and "No common crypto suite" in text, text
            phone.acknowledge(text)
            explained = server.run("explain", phone.call_id).stdout
            assert "sdp-no-common-suite" in explained or "no a=crypto line" in explained
            assert key not in explained


def test_an_encrypted_connector_takes_no_call_in_clear(server, encrypted):
    with Caller(server, encrypted["OutboundHostName"], OWNED, ECHO) as caller:
        caller.send("INVITE", body=caller.sdp())
        status, text = caller.final()
        assert status == 403, text
        caller.acknowledge(text)
        assert "TLS" in server.run("explain", caller.call_id).stdout


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("called, hertz", [(TONE, 1000), (ECHO, 440)])
def test_baresip_hears_the_far_end_under_srtp(server, encrypted, plain, tmp_path, transport, called, hertz):
    trunk = encrypted if transport == "tls" else plain
    agent = Baresip(tmp_path, server, trunk["OutboundHostName"], "secret", transport=transport, srtp=True)
    agent.call(f"sip:{called}@{trunk['OutboundHostName']}", seconds=6)
    log = agent.log.read_text(errors="replace")
    samples, rate = agent.heard()
    assert len(samples) > 2 * rate, log
    assert share_of_tone(loudest_second(samples, rate), rate, hertz) > 0.9
    # What the service knows of it, because baresip says nothing: its leg was encrypted.
    listed = json.loads(
        server.run("calls", "--connector", trunk["VoiceConnectorId"], "--output", "json").stdout
    )
    explained = server.run("explain", listed["calls"][0]["call_id"]).stdout
    assert "caller's leg AES_CM_128_HMAC_SHA1_80" in explained, explained


def test_the_test_caller_can_encrypt(server, encrypted, tmp_path):
    (tmp_path / "pw").write_text("secret")
    done = server.run(
        "call", "--from", OWNED, "--to", ECHO, "--connector", encrypted["VoiceConnectorId"], "--srtp",
        "--transport", "tls", "--username", "pbx", "--password-file", str(tmp_path / "pw"), "--seconds", "1",
        "--output", "json",
    )
    assert done.returncode == 0, done.stderr
    explained = server.run("calls", "--connector", encrypted["VoiceConnectorId"]).stdout
    assert OWNED in explained
