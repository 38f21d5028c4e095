"""Carriers as they come: one that proves by digest who it is, one that sends calls elsewhere, one that fails."""

import json
import time

import pytest

from account import connector_of
from sipp_script import (
    OFFER,
    Sipp,
    answer,
    answered,
    challenged,
    hang_up,
    invite,
    offered,
    pause,
    proven,
    refuse,
    refused,
    released,
    trying,
)
from trunkline_server import Server

OWNED, CALLED, FORWARDED = "+12065550150", "+12065550100", "+12065550177"
CALLER = "+13125550142"
PASSWORD = "carriers-own-secret"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A service with short timers, whose one connector lets the loopback call out and has no routes yet."""
    settings = {"TRUNKLINE_SIP__T1_MS": "50", "TRUNKLINE_CARRIERS__SIMULATED": "false"}
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as server:
        server.run("number", "add", OWNED, "--account", "000000000000")
        yield House(server)


class House:
    def __init__(self, server):
        self.server, self.voice = server, server.client()
        made = connector_of(server)
        self.connector, self.domain = made["VoiceConnectorId"], made["OutboundHostName"]
        self.voice.associate_phone_numbers_with_voice_connector(
            VoiceConnectorId=self.connector, E164PhoneNumbers=[OWNED], ForceAssociate=True
        )

    def route(self, port):
        route = {"Host": "127.0.0.1", "Port": port, "Protocol": "UDP", "Priority": 1, "Weight": 1}
        self.voice.put_voice_connector_origination(VoiceConnectorId=self.connector, Origination={"Routes": [route]})

    def ended(self):
        told = self.server.run("calls", "--limit", "1000", "--output", "json")
        return [it for it in json.loads(told.stdout)["calls"] if it.get("ended")]

    def play(self, tmp_path, script, domain, numbers, *others):
        """Plays a caller's script while the others play theirs; returns the call's record."""
        before = len(self.ended())
        host, port = self.server.sip("udp")
        keys = ["-key", "domain", domain or f"{host}:{port}", "-key", "from", numbers[0], "-key", "to", numbers[1]]
        caller = Sipp(tmp_path, "caller", script, f"{host}:{port}", *keys)
        failed = [it.told() for it in (caller, *others) if not it.done()]
        assert not failed, "\n".join(failed) + self.server.run("trace", "last", "--messages").stdout
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if len(self.ended()) > before:
                return self.ended()[0]
        raise AssertionError(self.server.log_text()[-3000:])


@pytest.fixture
def roaming(house, tmp_path):
    """A carrier that calls out go nowhere to, and that calls in from anywhere."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    told = house.server.run(
        "carrier", "add", "roams", "--host", "192.0.2.99", "--priority", "100",
        "--inbound-username", "trunk-7", "--inbound-password-file", str(secret), "--output", "json",
    )  # fmt: skip
    assert PASSWORD not in told.stdout and json.loads(told.stdout)["inbound_username"] == "trunk-7"
    yield house
    house.server.run("carrier", "remove", "roams")


def test_a_carrier_is_known_by_its_digest_wherever_it_calls_from(roaming, tmp_path):
    pbx = Sipp(tmp_path, "pbx", [offered(), answer(), released()]).bound()
    roaming.route(pbx.port)
    script = [invite(), trying(), challenged(), proven("trunk-7", PASSWORD), trying(), answered(2), pause(100), hang_up(3)]
    record = roaming.play(tmp_path, script, None, (CALLER, OWNED), pbx)
    assert (record["direction"], record["carrier"], record["sip_user"]) == ("Inbound", "roams", "trunk-7"), record
    explained = roaming.server.run("explain", record["transaction_id"]).stdout
    assert "user trunk-7" in explained and "carrier roams" in explained
    assert PASSWORD not in roaming.server.log_text() + explained


@pytest.mark.parametrize(
    ("username", "password", "reason"),
    [("trunk-7", "guess", "digest-response-wrong"), ("nobody", PASSWORD, "digest-user-unknown")],
)
def test_who_proves_nothing_is_refused_and_told_no_more(roaming, tmp_path, username, password, reason):
    script = [invite(), trying(), challenged(), proven(username, password)]
    script += [trying(), refused(403, phrase="Forbidden", after="proven", cseq=2)]
    record = roaming.play(tmp_path, script, None, (CALLER, OWNED))
    assert (record["state"], record["reason"], record["direction"]) == ("rejected", reason, "Inbound"), record


def test_route_test_asks_as_a_carrier_that_proves_itself(roaming):
    roaming.route(5070)
    told = roaming.server.run(
        "route-test", "--from", CALLER, "--to", OWNED, "--src", "203.0.113.5", "--carrier", "roams", "--output", "json"
    )
    told = json.loads(told.stdout)
    assert told["direction"] == "Inbound" and "refused" not in told
    assert [it["verdict"] for it in told["decisions"] if it["rule"] == "digest"] == ["challenge"]
    unknown = roaming.server.run("route-test", "--from", CALLER, "--to", OWNED, "--src", "203.0.113.5", check=False)
    assert unknown.returncode == 1 and "--carrier" in unknown.stderr


def test_two_carriers_cannot_be_the_same_user(roaming, tmp_path):
    secret = tmp_path / "password"
    again = roaming.server.run(
        "carrier", "add", "twin", "--host", "192.0.2.98", "--inbound-username", "trunk-7",
        "--inbound-password-file", str(secret), check=False,
    )  # fmt: skip
    assert again.returncode == 1 and "roams" in again.stderr, again.stderr


def carriers(house, *ports, first=()):
    for order, port in enumerate(ports, start=1):
        more = first if order == 1 else ()
        house.server.run(
            "carrier", "add", f"c{order}", "--host", "127.0.0.1", "--port", str(port), "--priority", str(order), *more
        )


def removed(house):
    for name in ("c1", "c2"):
        house.server.run("carrier", "remove", name, check=False)


TALK = [invite(), trying(), answered(), pause(100), hang_up()]


def test_a_redirection_is_followed_to_another_carrier_and_number(house, tmp_path):
    second = Sipp(tmp_path, "second", [offered(header=f"INVITE sip:.{FORWARDED[1:]}@"), answer(), released()]).bound()
    contacts = f"Contact: <sip:{FORWARDED}@127.0.0.1:{second.port}>;q=0.5, <sip:+442079460000@127.0.0.1:{second.port}>;q=0.9"
    steps = refuse(302, "Moved Temporarily", contacts)
    first = Sipp(tmp_path, "first", steps).bound()
    try:
        carriers(house, first.port, second.port, first=("--redirects", "follow"))
        record = house.play(tmp_path, TALK, house.domain, (OWNED, CALLED), first, second)
        assert (record["state"], record["carrier"]) == ("completed", "c2"), record
        explained = house.server.run("explain", record["transaction_id"]).stdout
        assert "302 Moved Temporarily, and it is followed" in explained and "redirect-country-not-allowed" in explained
    finally:
        removed(house)


def test_a_trace_shows_the_carriers_that_failed_before_the_last_one(house, tmp_path):
    first = Sipp(tmp_path, "first", refuse(503, "Service Unavailable")).bound()
    second = Sipp(tmp_path, "second", [offered(), answer(OFFER), released()]).bound()
    try:
        carriers(house, first.port, second.port)
        record = house.play(tmp_path, TALK, house.domain, (OWNED, CALLED), first, second)
        assert len(record["attempt_call_ids"]) == 1
        for wanted in (record["transaction_id"], record["call_id"], record["peer_call_id"]):
            told = json.loads(house.server.run("trace", wanted, "--output", "json").stdout)
            remotes = {it["remote"] for it in told["messages"]}
            assert {f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"} <= remotes, remotes
            refusals = [it for it in told["messages"] if (it.get("text") or "").startswith("SIP/2.0 503")]
            assert [it["call_id"] for it in refusals] == record["attempt_call_ids"]
    finally:
        removed(house)
