"""A PBX and a carrier of raw sockets with the service between them: digits that change their form on the way, and a
stranger who knows everything of a call that a listener could know."""

import contextlib
import re
import socket
import struct
import time
import uuid

import pytest

from account import connector_of
from sip_wire import Called, Caller, bound, contact, header, media_of, to_tag
from trunkline_server import Server

OWNED, CALLED = "+12065550150", "+12065550100"
AUDIO = b"\xff" * 160
DEAF_SECONDS = 0.5


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    settings = {"TRUNKLINE_CARRIERS__SIMULATED": "false", "TRUNKLINE_CALLS__DTMF": "translate"}
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as server:
        made = connector_of(server)
        server.run("number", "add", OWNED, "--account", "000000000000")
        server.domain = made["OutboundHostName"]
        yield server


class Talk:
    """An answered call between a PBX and a carrier."""

    def __init__(self, trunk, pbx_events, carrier_events):
        self.carrier, self.media = Called(), bound()
        port = self.carrier.socket.getsockname()[1]
        trunk.run("carrier", "add", "raw", "--host", "127.0.0.1", "--port", str(port))
        self.trunk, self.pbx = trunk, Caller(trunk, trunk.domain, OWNED, CALLED)
        allow = ["Allow: INVITE, ACK, BYE, CANCEL, INFO"]
        self.pbx.send("INVITE", headers=allow, body=media_of(self.media, pbx_events))
        self.invite = self.carrier.receive("INVITE")
        self.carrier.reply(self.invite, "200 OK", media_of(self.carrier.media, carrier_events), allow)
        status, self.answer = self.pbx.final()
        assert status == 200, self.answer
        self.pbx.acknowledge(self.answer, contact(self.answer))
        self.carrier.receive("ACK")
        # Our ports as each side was told of them.
        self.to_pbx_side = self.port(self.answer)
        self.to_carrier_side = self.port(self.invite)

    @staticmethod
    def port(text):
        return int(re.search(r"^m=audio (\d+)", text, re.M).group(1))

    def within(self, method, headers=(), body=""):
        self.pbx.send(method, contact(self.answer), to_tag(self.answer), headers, body)

    def close(self):
        with contextlib.suppress(OSError):
            self.within("BYE")
            self.carrier.reply(self.carrier.receive("BYE"), "200 OK")
        self.trunk.run("carrier", "remove", "raw")
        for it in [self.carrier.socket, self.carrier.media, self.media, self.pbx.socket]:
            it.close()


@contextlib.contextmanager
def talk(trunk, pbx_events, carrier_events):
    call = Talk(trunk, pbx_events, carrier_events)
    try:
        yield call
    finally:
        call.close()


def rtp(sequence, payload_type=0, payload=AUDIO, timestamp=None, ssrc=0x5EED):
    timestamp = sequence * 160 if timestamp is None else timestamp
    return struct.pack("!BBHII", 0x80, payload_type, sequence, timestamp, ssrc) + payload


def test_digits_by_info_reach_the_carrier_as_events(trunk):
    with talk(trunk, pbx_events=False, carrier_events=True) as call:
        assert "telephone-event" in call.invite and "telephone-event" not in call.answer
        body = "Signal=5\r\nDuration=100\r\n"
        # The wire's own helper writes one media type; this is another.
        call.pbx.cseq += 1
        lines = [
            f"INFO {contact(call.answer)} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{call.pbx.port};branch=z9hG4bK{uuid.uuid4().hex};rport",
            f"From: <sip:{OWNED}@127.0.0.1>;tag={call.pbx.tag}",
            f"To: <{call.pbx.uri}>{to_tag(call.answer)}",
            f"Call-ID: {call.pbx.call_id}",
            f"CSeq: {call.pbx.cseq} INFO",
            "Max-Forwards: 70",
            "Content-Type: application/dtmf-relay",
            f"Content-Length: {len(body)}",
        ]
        call.pbx.socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), call.pbx.target)
        assert call.pbx.final()[0] == 200
        events = []
        for sequence in range(60):
            call.media.sendto(rtp(sequence), ("127.0.0.1", call.to_pbx_side))
            packet = call.carrier.media.recv(2048)
            _, kind, number, timestamp, ssrc = struct.unpack("!BBHII", packet[:12])
            assert (number, ssrc) == (sequence, 0x5EED), "the stream stays one stream"
            if kind & 0x7F == 101:
                code, flags, duration = struct.unpack("!BBH", packet[12:])
                events.append((code, kind >> 7, flags >> 7, duration, timestamp))
        assert [it[3] for it in events] == [160, 320, 480, 640, 800, 800, 800]
        assert {it[0] for it in events} == {5} and len({it[4] for it in events}) == 1
        assert [it[1] for it in events] == [1, 0, 0, 0, 0, 0, 0], "the marker"
        assert [it[2] for it in events] == [0, 0, 0, 0, 1, 1, 1], "three ends"


def test_events_reach_the_carrier_by_info_in_order_and_its_refusal_costs_nothing(trunk):
    with talk(trunk, pbx_events=True, carrier_events=False) as call:
        assert "telephone-event" in call.answer
        sequence = 0

        def press(code):
            nonlocal sequence
            began = sequence * 160
            for at in range(6):
                flags = 0x80 | 10 if at >= 3 else 10
                event = struct.pack("!BBH", code, flags, 160 * (min(at, 3) + 1))
                call.media.sendto(rtp(sequence, 101, event, began), ("127.0.0.1", call.to_pbx_side))
                sequence += 1

        for code in [4, 2, 11]:
            press(code)
        for key in "42#":
            info = call.carrier.receive("INFO")
            assert "application/dtmf-relay" in info and f"Signal={key}\r\n" in info
            call.carrier.reply(info, "200 OK")
        press(7)
        call.carrier.reply(call.carrier.receive("INFO"), "415 Unsupported Media Type")
        call.media.sendto(rtp(sequence), ("127.0.0.1", call.to_pbx_side))
        assert call.carrier.media.recv(2048)[12:] == AUDIO, "the call goes on"


def heard(media):
    """Whether anything reaches a socket."""
    media.settimeout(DEAF_SECONDS)
    try:
        return media.recv(2048)
    except TimeoutError:
        return None
    finally:
        media.settimeout(10)


@pytest.mark.parametrize("latched", [False, True], ids=["before the parties are heard", "after"])
def test_a_strangers_audio_reaches_nobody_and_moves_nothing(trunk, latched):
    with talk(trunk, pbx_events=True, carrier_events=True) as call:
        stranger = bound("127.0.0.9")
        if latched:
            call.media.sendto(rtp(1), ("127.0.0.1", call.to_pbx_side))
            assert call.carrier.media.recv(2048) == rtp(1)
            call.carrier.media.sendto(rtp(1), ("127.0.0.1", call.to_carrier_side))
            assert call.media.recv(2048) == rtp(1)
        # The right ports, the right SSRC, numbers in order, and RTCP beside it.
        for port in [call.to_pbx_side, call.to_carrier_side]:
            for sequence in range(2, 12):
                stranger.sendto(rtp(sequence), ("127.0.0.1", port))
                stranger.sendto(rtp(sequence, 101, b"\x05\x8a\x03\x20"), ("127.0.0.1", port))
            stranger.sendto(struct.pack("!BBHIQIII", 0x80, 200, 6, 0x5EED, 1, 1, 1, 1), ("127.0.0.1", port + 1))
        assert heard(call.carrier.media) is None and heard(call.media) is None
        # Both sides are where they were, and the stranger hears nothing.
        call.media.sendto(rtp(20), ("127.0.0.1", call.to_pbx_side))
        assert call.carrier.media.recv(2048) == rtp(20)
        call.carrier.media.sendto(rtp(20), ("127.0.0.1", call.to_carrier_side))
        assert call.media.recv(2048) == rtp(20)
        assert heard(stranger) is None
        stranger.close()


def test_a_strangers_requests_end_no_call_and_reach_nobody(trunk):
    with talk(trunk, pbx_events=True, carrier_events=True) as call:
        stranger = bound("127.0.0.9")
        port = stranger.getsockname()[1]
        # Everything that stands in the INVITE, which somebody may have read; not our tag, which is in the answer alone.
        for method in ["BYE", "INVITE", "INFO", "UPDATE", "CANCEL"]:
            for tag in ["", ";tag=guessed"]:
                number = call.pbx.cseq if method == "CANCEL" else call.pbx.cseq + 1
                if method == "INVITE" and not tag:
                    continue  # That is a new call, and the address may make none.
                body = media_of(stranger, True) if method in ("INVITE", "UPDATE") else ""
                lines = [
                    f"{method} {call.pbx.uri} SIP/2.0",
                    f"Via: SIP/2.0/UDP 127.0.0.9:{port};branch=z9hG4bK{uuid.uuid4().hex};rport",
                    f"From: <sip:{OWNED}@127.0.0.1>;tag={call.pbx.tag}",
                    f"To: <{call.pbx.uri}>{tag}",
                    f"Call-ID: {call.pbx.call_id}",
                    f"CSeq: {number} {method}",
                    f"Contact: <sip:127.0.0.9:{port}>",
                    "Max-Forwards: 70",
                    *(["Content-Type: application/sdp"] if body else []),
                    f"Content-Length: {len(body)}",
                ]
                stranger.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), call.pbx.target)
        # A 200 with another's tag, to an INVITE of ours that was answered.
        forged = call.carrier
        theirs, forged.tag = forged.tag, "guessed"
        own, forged.socket = forged.socket, stranger
        forged.reply(call.invite, "200 OK", media_of(stranger, True))
        forged.tag, forged.socket = theirs, own
        assert heard(call.carrier.socket) is None, "nothing of it reaches the carrier"
        assert heard(call.pbx.socket) is None, "nor the PBX"
        call.media.sendto(rtp(1), ("127.0.0.1", call.to_pbx_side))
        assert call.carrier.media.recv(2048) == rtp(1)
        call.carrier.media.sendto(rtp(1), ("127.0.0.1", call.to_carrier_side))
        assert call.media.recv(2048) == rtp(1), "the media is where it was"
        stranger.close()


def explained(trunk, call_id):
    """What is told of a call that has just ended: its record is written within moments."""
    end = time.monotonic() + 10
    while True:
        told = trunk.run("explain", call_id, check=time.monotonic() > end)
        if told.returncode == 0:
            return told.stdout
        time.sleep(0.05)


def replaces(call):
    """The header that names the PBX's leg, as its device is told to write it (RFC 3891)."""
    return f"Replaces: {call.pbx.call_id};to-tag={to_tag(call.answer).removeprefix(';tag=')};from-tag={call.pbx.tag}"


def test_another_phone_of_the_pbx_takes_over_the_call_and_hears_the_carrier(trunk):
    with talk(trunk, pbx_events=True, carrier_events=True) as call:
        call.media.sendto(rtp(1), ("127.0.0.1", call.to_pbx_side))
        assert call.carrier.media.recv(2048) == rtp(1)
        phone, media = Caller(trunk, trunk.domain, OWNED, CALLED), bound()
        phone.send("INVITE", headers=[replaces(call)], body=media_of(media))
        asked = call.carrier.receive("INVITE")
        assert header(asked, "Call-ID") == header(call.invite, "Call-ID"), "the carrier has one call, before and after"
        call.carrier.reply(asked, "200 OK", media_of(call.carrier.media))
        call.carrier.receive("ACK")
        status, answer = phone.final()
        assert status == 200, answer
        phone.acknowledge(answer, contact(answer))

        first = Called()
        first.socket.close()
        first.socket = call.pbx.socket
        bye = first.receive("BYE")
        assert "Replaced" in header(bye, "Reason")
        first.reply(bye, "200 OK")
        media.sendto(rtp(1, ssrc=0xF00D), ("127.0.0.1", call.port(answer)))
        assert call.carrier.media.recv(2048) == rtp(1, ssrc=0xF00D)
        call.carrier.media.sendto(rtp(1), ("127.0.0.1", call.to_carrier_side))
        assert media.recv(2048) == rtp(1)
        assert heard(call.media) is None, "the first phone is out of the call"

        # From here on the call is the second phone's; its end is the carrier's.
        call.media.close()
        first.close()
        call.pbx, call.answer, call.media = phone, answer, media
    told = explained(trunk, phone.call_id)
    assert "took the place of the caller" in told and phone.call_id in told


def test_a_call_of_one_connector_is_not_taken_over_through_another(trunk):
    with talk(trunk, pbx_events=True, carrier_events=True) as call:
        thief = Caller(trunk, connector_of(trunk)["OutboundHostName"], OWNED, CALLED)
        thief.send("INVITE", headers=[replaces(call)], body=media_of(call.media))
        status, text = thief.final()
        assert status == 403, text
        thief.acknowledge(text)
        thief.socket.close()
        assert heard(call.carrier.socket) is None and heard(call.pbx.socket) is None


def test_a_source_that_may_be_forged_is_sent_little_and_once(trunk):
    """What goes to an address that has shown nothing is bounded by what came from it, and not repeated."""
    stranger = bound("127.0.0.9")
    port, sent = stranger.getsockname()[1], 0
    for method in ["INVITE", "OPTIONS", "BYE", "REGISTER"]:
        text = (
            f"{method} sip:{CALLED}@{trunk.domain} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.9:{port};branch=z9hG4bK{uuid.uuid4().hex};rport\r\n"
            f"From: <sip:{OWNED}@127.0.0.9>;tag=a\r\nTo: <sip:{CALLED}@{trunk.domain}>\r\n"
            f"Call-ID: {uuid.uuid4().hex}\r\nCSeq: 1 {method}\r\nContact: <sip:127.0.0.9:{port}>\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        stranger.sendto(text.encode(), trunk.sip("udp"))
        sent += len(text)
    # Timers G and E would have fired several times: T1 is 500 ms.
    came, end = [], time.monotonic() + 4
    stranger.settimeout(0.2)
    while time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            came.append(stranger.recv(65535))
    assert came, "each is answered"
    assert len(came) <= 4 and len(set(came)) == len(came), "nothing is repeated"
    assert sum(map(len, came)) <= 3 * sent
    stranger.close()
