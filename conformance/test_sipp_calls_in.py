"""Calls in: SIPp as the carrier that calls, and SIPp as the PBXs that a connector's routes name."""

import json
import socket
import time

import pytest

from sipp_script import (
    OFFER,
    Sipp,
    answer,
    answered,
    hang_up,
    invite,
    offered,
    pause,
    refuse,
    refused,
    released,
    trying,
)
from trunkline_server import Server

NUMBER = "+12065550150"
CALLER = "+13125550142"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A service with short timers, a carrier whose calls come from the loopback, and a number that is owned."""
    settings = {"TRUNKLINE_SIP__T1_MS": "50", "TRUNKLINE_CARRIERS__SIMULATED": "false"}
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as server:
        server.run("carrier", "add", "pstn", "--host", "127.0.0.1", "--port", "9", "--source", "127.0.0.1/32")
        server.run("number", "add", NUMBER, "--account", "000000000000")
        yield House(server)


class House:
    def __init__(self, server):
        self.server, self.voice = server, server.client()

    def connector(self, *routes):
        """A connector whose routes are these: port, priority and weight of each."""
        made = self.voice.create_voice_connector(Name="pbx", RequireEncryption=False)["VoiceConnector"]
        self.route(made["VoiceConnectorId"], *routes)
        return made["VoiceConnectorId"]

    def route(self, connector, *routes):
        told = [
            {"Host": "127.0.0.1", "Port": port, "Protocol": "UDP", "Priority": priority, "Weight": weight}
            for port, priority, weight in routes
        ]
        self.voice.put_voice_connector_origination(VoiceConnectorId=connector, Origination={"Routes": told})

    def give(self, connector):
        errors = self.voice.associate_phone_numbers_with_voice_connector(
            VoiceConnectorId=connector, E164PhoneNumbers=[NUMBER], ForceAssociate=True
        )["PhoneNumberErrors"]
        assert not errors

    def call(self, tmp_path, script, *pbxs):
        """Plays the carrier's script while the PBXs play theirs; all of them must have gone well."""
        host, port = self.server.sip("udp")
        keys = ["-key", "domain", f"{host}:{port}", "-key", "from", CALLER, "-key", "to", NUMBER]
        carrier = Sipp(tmp_path, "carrier", script, f"{host}:{port}", *keys)
        failed = [it.told() for it in (carrier, *pbxs) if not it.done()]
        assert not failed, "\n".join(failed) + self.server.run("trace", "last", "--messages").stdout

    def record(self, connector):
        """The one call of a connector."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            told = self.server.run("calls", "--connector", connector, "--output", "json")
            ended = [it for it in json.loads(told.stdout)["calls"] if it.get("ended")]
            if ended:
                assert len(ended) == 1, "one call leaves one record"
                return ended[0]
        raise AssertionError(self.server.log_text()[-3000:])


def talk():
    return [invite(), trying(), answered(), pause(100), hang_up()]


def test_a_call_in_reaches_the_pbx_with_the_connectors_id(house, tmp_path):
    connector = house.connector()
    seen = f"X-VoiceConnector-ID: {connector}"
    pbx = Sipp(tmp_path, "pbx", [offered(header=seen), answer(), released()]).bound()
    house.route(connector, (pbx.port, 1, 1))
    house.give(connector)
    house.call(tmp_path, talk(), pbx)
    record = house.record(connector)
    assert (record["direction"], record["state"]) == ("Inbound", "completed"), record
    assert (record["from"], record["to"], record["carrier"]) == (CALLER, NUMBER, "pstn")


def test_a_route_that_answers_503_gives_way_to_the_next(house, tmp_path):
    first = Sipp(tmp_path, "first", refuse(503, "Service Unavailable")).bound()
    second = Sipp(tmp_path, "second", [offered(), answer(), released()]).bound()
    connector = house.connector((first.port, 1, 1), (second.port, 2, 1))
    house.give(connector)
    house.call(tmp_path, talk(), first, second)
    explained = house.server.run("explain", house.record(connector)["transaction_id"]).stdout
    assert "503 Service Unavailable" in explained and "answered" in explained


def large_talk():
    """An INVITE that no datagram should carry (RFC 3261 §18.1.1)."""
    return [invite(OFFER, f"X-Large: {'x' * 1200}"), trying(), answered(), pause(100), hang_up()]


def test_a_large_invite_to_a_route_over_udp_is_answered_over_tcp(house, tmp_path):
    pbx = Sipp(tmp_path, "pbx", [offered(header="Via: SIP/2.0/TCP"), answer(), released()], transport="t1").bound()
    connector = house.connector((pbx.port, 1, 1))
    house.give(connector)
    house.call(tmp_path, large_talk(), pbx)
    explained = house.server.run("explain", house.record(connector)["transaction_id"]).stdout
    assert "over TCP for its size: answered" in explained, explained


def test_a_large_invite_goes_through_by_udp_where_tcp_is_refused(house, tmp_path):
    pbx = Sipp(tmp_path, "pbx", [offered(header="Via: SIP/2.0/UDP"), answer(), released()]).bound()
    connector = house.connector((pbx.port, 1, 1))
    house.give(connector)
    house.call(tmp_path, large_talk(), pbx)
    explained = house.server.run("explain", house.record(connector)["transaction_id"]).stdout
    assert "over TCP for its size: not reachable" in explained, explained


def test_a_busy_pbx_is_the_callers_answer(house, tmp_path):
    first = Sipp(tmp_path, "first", refuse(486, "Busy Here")).bound()
    connector = house.connector((first.port, 1, 1), (9, 2, 1))
    house.give(connector)
    house.call(tmp_path, [invite(), trying(), refused(486)], first)
    assert house.record(connector)["reason"] == "busy"


def test_a_number_of_nobody_is_refused_with_its_remedy(house, tmp_path):
    house.voice.disassociate_phone_numbers_from_voice_connector(
        VoiceConnectorId=house.connector(), E164PhoneNumbers=[NUMBER]
    )
    owner = house.voice.get_phone_number(PhoneNumberId=NUMBER)["PhoneNumber"]["Associations"]
    for it in owner:
        house.voice.disassociate_phone_numbers_from_voice_connector(
            VoiceConnectorId=it["Value"], E164PhoneNumbers=[NUMBER]
        )
    house.call(tmp_path, [invite(), trying(), refused(404)])
    explained = house.server.run("explain", "last").stdout
    assert "number" in explained and "AssociatePhoneNumbersWithVoiceConnector" in explained


class Counting:
    """A PBX that is busy, and counts how often it was asked."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port, self.asked = self.socket.getsockname()[1], set()

    def answer(self):
        try:
            text, peer = self.socket.recvfrom(65535)
        except BlockingIOError:
            return
        text = text.decode()
        if not text.startswith("INVITE "):
            return
        fields = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")
        lines = [it for it in text.split("\r\n\r\n")[0].split("\r\n") if it.startswith(fields)]
        lines = [f"{it};tag=busy" if it.startswith("To:") else it for it in lines]
        self.asked.add(next(it for it in lines if it.startswith("Call-ID:")))
        reply = ["SIP/2.0 486 Busy Here", *lines, "Content-Length: 0", "", ""]
        self.socket.sendto("\r\n".join(reply).encode(), peer)


def invite_text(at, us, port):
    return "\r\n".join(
        [
            f"INVITE sip:{NUMBER}@{us} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKw{at};rport",
            f"From: <sip:{CALLER}@127.0.0.1>;tag=w{at}",
            f"To: <sip:{NUMBER}@{us}>",
            f"Call-ID: weights-{at}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:127.0.0.1:{port}>",
            "Max-Forwards: 70",
            "Content-Length: 0",
            "",
            "",
        ]
    )


def test_equal_routes_share_calls_by_weight(house):
    light, heavy = Counting(), Counting()
    house.give(house.connector((light.port, 1, 1), (heavy.port, 1, 3)))
    host, port = house.server.sip("udp")
    carrier = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    carrier.bind(("127.0.0.1", 0))
    carrier.settimeout(0.002)
    calls, answers = 200, set()
    for at in range(calls):
        carrier.sendto(invite_text(at, f"{host}:{port}", carrier.getsockname()[1]).encode(), (host, int(port)))
        deadline = time.monotonic() + 10
        while at not in answers and time.monotonic() < deadline:
            light.answer()
            heavy.answer()
            try:
                text = carrier.recv(65535).decode()
            except TimeoutError:
                continue
            if text.startswith("SIP/2.0 486"):
                answers.add(int(text.split("Call-ID: weights-")[1].split("\r\n")[0]))
    assert len(answers) == calls
    assert len(light.asked) + len(heavy.asked) == calls
    # A quarter of 200 with a standard deviation of 6: five of them to each side.
    assert 20 <= len(light.asked) <= 80, (len(light.asked), len(heavy.asked))


def test_route_test_tells_where_a_call_in_would_go(house):
    connector = house.connector((5070, 1, 1))
    house.give(connector)
    told = json.loads(
        house.server.run(
            "route-test", "--from", CALLER, "--to", NUMBER, "--src", "127.0.0.1", "--output", "json"
        ).stdout
    )
    assert told["direction"] == "Inbound" and "refused" not in told
    assert told["decisions"][-1]["seen"] == f"1: route 127.0.0.1 of connector {connector} at 127.0.0.1:5070"
    house.voice.put_voice_connector_origination(
        VoiceConnectorId=connector, Origination={"Routes": [], "Disabled": True}
    )
    text = house.server.run("route-test", "--from", CALLER, "--to", NUMBER, "--src", "127.0.0.1").stdout
    assert "It would be refused: 480 origination-disabled" in text
