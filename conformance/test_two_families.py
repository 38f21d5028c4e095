"""One service for both address families: an IPv4 PBX and an IPv6 carrier talk to each other."""

import re
import socket
import struct

import pytest

from account import connector_of
from sip_wire import Called, Caller, bound, contact, media_of, to_tag
from trunkline_server import Server

OWNED, CALLED = "+12065550150", "+12065550100"


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
        made = connector_of(server)
        server.connector = made["VoiceConnectorId"]
        server.run("number", "add", OWNED, "--account", "000000000000")
        server.domain = made["OutboundHostName"]
        yield server


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
    carrier, media = Called("::1"), bound()
    trunk.run("carrier", "add", "six", "--host", "::1", "--port", str(carrier.port))
    pbx = Caller(trunk, trunk.domain, OWNED, CALLED)
    pbx.target = ("127.0.0.1", pbx.target[1])
    pbx.send("INVITE", body=media_of(media, events=False))
    invite = carrier.receive("INVITE")
    for name in ("Via", "Contact"):
        assert "[::1]" in re.search(rf"^{name}:.*$", invite, re.M).group(0)
    kind, to_carrier_side = told(invite)
    assert (kind, to_carrier_side[0]) == ("IP6", "::1")

    carrier.reply(invite, "200 OK", media_of(carrier.media, events=False))
    status, answer = pbx.final()
    assert status == 200, answer
    pbx.acknowledge(answer, contact(answer))
    kind, to_pbx_side = told(answer)
    assert (kind, to_pbx_side[0]) == ("IP4", "127.0.0.1")

    assert talk(media, carrier.media, to_pbx_side) == b"\xd5" * 160
    assert talk(carrier.media, media, to_carrier_side) == b"\xd5" * 160

    pbx.send("BYE", contact(answer), to_tag(answer))
    carrier.reply(carrier.receive("BYE"), "200 OK")
    assert pbx.final()[0] == 200
    trunk.run("carrier", "remove", "six")
    for it in (carrier, media, pbx.socket):
        it.close()
