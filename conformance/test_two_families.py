"""One service for both address families: an IPv4 PBX and an IPv6 carrier talk to each other."""

import re
import socket
import struct

import pytest

from sip_wire import Caller, contact, to_tag
from trunkline_server import Server

OWNED, CALLED = "+12065550150", "+12065550100"
FAMILIES = {"127.0.0.1": (socket.AF_INET, "IP4"), "::1": (socket.AF_INET6, "IP6")}


def has_ipv6():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as it:
        try:
            it.bind(("::1", 0))
        except OSError:
            return False
    return True


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine's loopback has no IPv6")


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    settings = {
        "TRUNKLINE_CARRIERS__SIMULATED": "false",
        "TRUNKLINE_SIP__LISTEN": "[::]:0",
        "TRUNKLINE_SIP__ADVERTISED_ADDRESS": "127.0.0.1",
        "TRUNKLINE_SIP__ADVERTISED": "::/0=::1",
        "TRUNKLINE_MEDIA__ADDRESS": "::",
        "TRUNKLINE_MEDIA__ADVERTISED_ADDRESS": "127.0.0.1",
        "TRUNKLINE_MEDIA__ADVERTISED": "::/0=::1",
    }
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as server:
        voice = server.client()
        made = voice.create_voice_connector(Name="pbx", RequireEncryption=False)["VoiceConnector"]
        rules = {"CpsLimit": 100, "CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]}
        server.connector = made["VoiceConnectorId"]
        voice.put_voice_connector_termination(VoiceConnectorId=server.connector, Termination=rules)
        server.run("number", "add", OWNED, "--account", "000000000000")
        server.domain = made["OutboundHostName"]
        yield server


def bound(host):
    it = socket.socket(FAMILIES[host][0], socket.SOCK_DGRAM)
    it.bind((host, 0))
    it.settimeout(10)
    return it


def bracketed(host):
    return f"[{host}]" if ":" in host else host


def sdp(media):
    host, port = media.getsockname()[:2]
    kind = FAMILIES[host][1]
    return (
        f"v=0\r\no=- 1 1 IN {kind} {host}\r\ns=-\r\nc=IN {kind} {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\n"
    )


def told(text):
    """Where a description says that media goes."""
    kind, host = re.search(r"^c=IN (IP[46]) (\S+?)\r?$", text, re.M).groups()
    return kind, (host, int(re.search(r"^m=audio (\d+)", text, re.M).group(1)))


def talk(speaker, listener, where):
    """Sends packets until one arrives at the other end, and tells its payload."""
    listener.settimeout(0.2)
    for number in range(50):
        speaker.sendto(struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + b"\xd5" * 160, where)
        try:
            return listener.recv(2048)[12:]
        except TimeoutError:
            continue
    return None


def test_an_ipv4_pbx_and_an_ipv6_carrier_hear_each_other(trunk):
    carrier, carrier_media, media = bound("::1"), bound("::1"), bound("127.0.0.1")
    trunk.run("carrier", "add", "six", "--host", "::1", "--port", str(carrier.getsockname()[1]))
    pbx = Caller(trunk, trunk.domain, OWNED, CALLED)
    pbx.target = ("127.0.0.1", pbx.target[1])
    pbx.send("INVITE", body=sdp(media))
    text, peer = carrier.recvfrom(65535)
    invite = text.decode()
    while not invite.startswith("INVITE "):
        text, peer = carrier.recvfrom(65535)
        invite = text.decode()
    for name in ("Via", "Contact"):
        assert "[::1]" in re.search(rf"^{name}:.*$", invite, re.M).group(0)
    kind, to_carrier_side = told(invite)
    assert (kind, to_carrier_side[0]) == ("IP6", "::1")

    body = sdp(carrier_media)
    kept = re.findall(r"^(?:Via|From|Call-ID|CSeq):.*?\r?$", invite, re.M)
    lines = ["SIP/2.0 200 OK", *(line.strip() for line in kept)]
    lines += [re.search(r"^To:.*?\r?$", invite, re.M).group(0).strip() + ";tag=six"]
    lines += [f"Contact: <sip:[::1]:{carrier.getsockname()[1]}>", "Content-Type: application/sdp"]
    carrier.sendto("\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode(), peer)
    status, answer = pbx.final()
    assert status == 200, answer
    pbx.acknowledge(answer, contact(answer))
    kind, to_pbx_side = told(answer)
    assert (kind, to_pbx_side[0]) == ("IP4", "127.0.0.1")

    assert talk(media, carrier_media, to_pbx_side) == b"\xd5" * 160
    assert talk(carrier_media, media, to_carrier_side) == b"\xd5" * 160

    pbx.send("BYE", contact(answer), to_tag(answer))
    assert pbx.final()[0] == 200
    while not (text := carrier.recv(65535).decode()).startswith("BYE "):
        pass
    kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq):.*?\r?$", text, re.M)
    carrier.sendto("\r\n".join(["SIP/2.0 200 OK", *(it.strip() for it in kept), "", ""]).encode(), peer)
    trunk.run("carrier", "remove", "six")
    for it in (carrier, carrier_media, media, pbx.socket):
        it.close()
