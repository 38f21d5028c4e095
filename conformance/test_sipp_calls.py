"""Whole calls between two SIPp processes, a PBX and a carrier, with the service between them.

Each row of `CALLS` is one call: what the PBX does, what the carriers do in the order they are tried, and the state and the
reason that the call's record must have. Afterwards nothing may be left behind: no live call, no media port.
"""

import dataclasses
import json
import time
import urllib.request

import pytest

from account import connector_of
from sipp_script import (
    HELD,
    HOLD,
    OFFER,
    OPUS_ONLY,
    RESUMED,
    VIDEO_ONLY,
    Sipp,
    ack,
    ack_refused,
    answer,
    answered,
    cancel,
    carrier_request,
    expect,
    hang_up,
    hung_up,
    invite,
    offered,
    pause,
    refuse,
    refused,
    released,
    reply,
    request,
    respond,
    taken,
    trying,
)
from trunkline_server import Server

OWNED, CALLED = "+12065550150", "+12065550100"
PORT_REFUSED = 9  # discard: nothing listens there


@dataclasses.dataclass(frozen=True)
class Call:
    """One call and what becomes of it. A carrier that is a number is a port where nobody listens."""

    pbx: list
    carriers: list
    state: str
    reason: str
    transport: str = "u1"


def completed(pbx, carrier, **more):
    return Call(pbx, [carrier], "completed", "completed", **more)


def rejected(pbx, reason):
    """Refused before any carrier is asked."""
    return Call(pbx, [], "rejected", reason)


RINGING = respond(180, "Ringing")
TERMINATED = [taken("CANCEL"), reply(200, "OK"), respond(487, "Request Terminated", retrans=True), taken("ACK")]
PLAIN_PBX = [invite(), trying(), expect(180, optional=True), answered(), pause(200), hang_up()]
PLAIN_CARRIER = [offered(), RINGING, answer(), released()]


def passed_on(status, reason):
    """A carrier's word about the called party is the call's answer."""
    return Call([invite(), trying(), refused(status)], [refuse(status)], "failed", reason)


def next_tried(status):
    """A carrier's word about itself: the next one is asked, and answers."""
    return Call(PLAIN_PBX, [refuse(status), PLAIN_CARRIER], "completed", "completed")


FAILURES = {
    400: "refused-by-carrier",
    403: "refused-by-carrier",
    404: "not-found",
    410: "not-found",
    480: "unavailable",
    484: "not-found",
    486: "busy",
    488: "refused-by-carrier",
    600: "busy",
    603: "declined",
    604: "not-found",
    606: "refused-by-carrier",
}

EARLY = {
    "no_provisional_response": [],
    "only_100": [respond(100, "Trying", tag=None, contact=False)],
    "180": [RINGING],
    "180_with_media": [respond(180, "Ringing", OFFER)],
    "181_then_180": [respond(181, "Call Is Being Forwarded"), RINGING],
    "183_with_media": [respond(183, "Session Progress", OFFER)],
    "183_without_media": [respond(183, "Session Progress")],
    "183_with_media_then_180": [respond(183, "Session Progress", OFFER), RINGING],
    "180_twice": [RINGING, pause(50), RINGING],
    "two_forks_of_which_the_second_answers": [respond(180, "Ringing", tag="other"), RINGING],
    "a_number_of_1xx_nobody_knows": [respond(199, "Early Dialog Terminated"), respond(182, "Queued")],
}

CALLS = {f"what_a_carrier_says_of_the_called_party_is_passed_on_{it}": passed_on(it, why) for it, why in FAILURES.items()}
CALLS |= {f"what_a_carrier_says_of_itself_lets_the_next_one_try_{it}": next_tried(it) for it in (302, 408, 500, 502, 503, 504)}
CALLS |= {
    f"early_{name}": completed(
        [invite(), trying(), *(expect(it, optional=True) for it in (180, 181, 182, 183, 199)), answered(), pause(100), hang_up()],
        [offered(), steps, pause(50), answer(), released()],
    )
    for name, steps in EARLY.items()
}
CALLS |= {
    "a_call_over_tcp": completed(PLAIN_PBX, PLAIN_CARRIER, transport="t1"),
    "the_called_side_hangs_up": completed(
        [invite(), trying(), expect(180, optional=True), answered(), hung_up()],
        [offered(), RINGING, answer(), pause(200), carrier_request("BYE", 1), expect(200)],
    ),
    "a_carrier_where_nobody_listens_lets_the_next_one_try": Call(
        PLAIN_PBX, [PORT_REFUSED, PLAIN_CARRIER], "completed", "completed"
    ),
    "no_carrier_takes_the_call": Call(
        [invite(), trying(), refused(503)], [refuse(503), PORT_REFUSED], "failed", "routes-exhausted"
    ),
    "a_call_is_given_up_before_it_rings": Call(
        [invite(), expect(100), pause(100), cancel(), expect(200), refused(487)],
        [[offered(), respond(100, "Trying", tag=None, contact=False), TERMINATED]],
        "failed",
        "cancelled",
    ),
    "a_call_is_given_up_while_it_rings": Call(
        [invite(), trying(), expect(180), cancel(), expect(200), refused(487)],
        [[offered(), RINGING, TERMINATED]],
        "failed",
        "cancelled",
    ),
    "an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up": Call(
        [invite(), trying(), expect(180), cancel(), expect(200), refused(487)],
        [[offered(), RINGING, taken("CANCEL"), reply(200, "OK"), answer(), released()]],
        "failed",
        "cancelled",
    ),
    "an_answer_that_is_never_acknowledged_is_taken_back_with_a_reason": Call(
        [invite(), trying(), expect(180, optional=True), expect(200, keep=True)]
        + [hung_up(header='Reason: SIP;cause=200;text="ACK timeout"')],
        [PLAIN_CARRIER],
        "completed",
        "ack-timeout",
    ),
    "an_answer_that_is_sent_again_is_acknowledged_again": completed(
        PLAIN_PBX,
        [offered(), respond(200, "OK", OFFER), taken("ACK"), respond(200, "OK", OFFER), taken("ACK"), released()],
    ),
    "hold_and_resume_from_the_pbx": completed(
        [invite(), trying(), expect(180, optional=True), answered()]
        + [request("INVITE", 2, HOLD), trying(), answered(2, header="a=recvonly")]
        + [request("INVITE", 3, RESUMED), trying(), answered(3, header="m=audio"), hang_up(4)],
        [offered(), RINGING, answer()]
        + [taken("INVITE", header="a=sendonly"), reply(200, "OK", HELD), taken("ACK")]
        + [taken("INVITE", header="a=sendrecv"), reply(200, "OK", RESUMED), taken("ACK"), released()],
    ),
    "hold_from_the_carrier": completed(
        [invite(), trying(), expect(180, optional=True), answered()]
        + [taken("INVITE", header="a=sendonly"), reply(200, "OK", HELD), taken("ACK"), hang_up()],
        [offered(), RINGING, answer()]
        + [pause(100), carrier_request("INVITE", 1, HOLD), expect(100, optional=True), expect(200, header="a=recvonly")]
        + [carrier_request("ACK", 1, retrans=False), released()],
    ),
    "a_change_that_is_refused_leaves_the_call_as_it_was": completed(
        [invite(), trying(), expect(180, optional=True), answered()]
        + [request("INVITE", 2, HOLD, label="change"), trying(), expect(488), ack_refused(2, after="change")]
        + [pause(100), hang_up(3)],
        [offered(), RINGING, answer()]
        + [taken("INVITE", header="a=sendonly"), reply(488, "Not Acceptable Here"), taken("ACK"), released()],
    ),
    "an_invite_without_an_offer": completed(
        [invite(None), trying(), expect(180, optional=True), expect(200, keep=True, header="m=audio"), ack(1, OFFER)]
        + [pause(100), hang_up()],
        [offered(), RINGING, respond(200, "OK", OFFER, retrans=True), taken("ACK", header="m=audio"), released()],
    ),
    "options_within_a_call": completed(
        [invite(), trying(), expect(180, optional=True), answered(), request("OPTIONS", 2), expect(200), hang_up(3)],
        PLAIN_CARRIER,
    ),
    "a_method_that_no_trunk_serves_within_a_call": completed(
        [invite(), trying(), expect(180, optional=True), answered(), request("PUBLISH", 2), expect(405, header="Allow:")]
        + [hang_up(3)],
        PLAIN_CARRIER,
    ),
    "a_bye_that_crosses_the_end": completed(
        [invite(), trying(), expect(180, optional=True), answered(), hung_up(), request("BYE", 2), expect(200)],
        [offered(), RINGING, answer(), pause(100), carrier_request("BYE", 1), expect(200)],
    ),
    "a_carrier_that_answers_without_media_is_refused": Call(
        [invite(), trying(), expect(180, optional=True), refused(502)],
        [[offered(), RINGING, answer(None), released()]],
        "failed",
        "answer-refused",
    ),
    "a_carrier_that_answers_with_video_is_refused": Call(
        [invite(), trying(), expect(180, optional=True), refused(502)],
        [[offered(), RINGING, answer(VIDEO_ONLY), released()]],
        "failed",
        "answer-refused",
    ),
    "an_offer_without_audio": rejected([invite(VIDEO_ONLY), trying(), refused(488)], "sdp-no-audio"),
    "an_offer_without_a_common_codec": rejected([invite(OPUS_ONLY), trying(), refused(488)], "sdp-no-common-codec"),
    "an_extension_that_nobody_has": rejected(
        [invite(OFFER, "Require: teleportation"), trying(), refused(420, header="Unsupported: teleportation")], "extension-unsupported"
    ),
    "a_session_interval_that_is_too_short": rejected(
        [invite(OFFER, "Supported: timer", "Session-Expires: 30"), trying(), refused(422, header="Min-SE: 90")],
        "session-interval-too-small",
    ),
    "a_session_that_the_pbx_refreshes": completed(
        [invite(OFFER, "Supported: timer", "Session-Expires: 90;refresher=uac"), trying(), expect(180, optional=True)]
        + [answered(header="Session-Expires: 90;refresher=uac"), request("UPDATE", 2, None, "Session-Expires: 90;refresher=uac")]
        + [expect(200, header="Session-Expires: 90"), hang_up(3)],
        PLAIN_CARRIER,
    ),
    "no_hops_left": rejected([invite(hops=0), trying(), refused(483)], "too-many-hops"),
    "a_body_that_is_no_session_description": rejected(
        [invite("hello", contact="Contact: <sip:pbx@[local_ip]:[local_port]>"), trying(), refused(400)], "sdp-malformed"
    ),
}


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    """A service with short timers, one connector that lets the loopback in, and no simulated carrier."""
    settings = {"TRUNKLINE_SIP__T1_MS": "50", "TRUNKLINE_CARRIERS__SIMULATED": "false"}
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as server:
        made = connector_of(server)
        server.run("number", "add", OWNED, "--account", "000000000000")
        yield Trunk(server, made["VoiceConnectorId"], made["OutboundHostName"])


@dataclasses.dataclass
class Trunk:
    server: Server
    connector: str
    domain: str

    def records(self):
        """Every call that ended, the latest first."""
        told = self.server.run("calls", "--connector", self.connector, "--limit", "1000", "--output", "json")
        return [it for it in json.loads(told.stdout)["calls"] if it.get("ended")]

    def record(self, before):
        """The one record of the call that was placed when there were `before`."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            ended = self.records()
            if len(ended) > before:
                assert len(ended) == before + 1, "one call leaves one record"
                return ended[0]
        raise AssertionError(f"the call left no record\n{self.server.log_text()[-3000:]}")

    def metric(self, name):
        text = urllib.request.urlopen(f"http://{self.server.ready['admin']}/metrics").read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


@pytest.mark.parametrize("name", CALLS)
def test_a_call_between_two_sipp_processes(trunk, tmp_path, name):
    call = CALLS[name]
    tcp = call.transport.startswith("t")
    carriers, before = [], len(trunk.records())
    try:
        for order, script in enumerate(call.carriers, start=1):
            port = script
            if not isinstance(script, int):
                carrier = Sipp(tmp_path, f"carrier{order}", script, transport=call.transport)
                carriers.append(carrier)
                port = carrier.bound().port
            add = ["--host", "127.0.0.1", "--port", str(port), "--priority", str(order)]
            trunk.server.run("carrier", "add", f"c{order}", *add, "--transport", "tcp" if tcp else "udp")
        host, port = trunk.server.sip("tcp" if tcp else "udp")
        keys = ["-key", "domain", trunk.domain, "-key", "from", OWNED, "-key", "to", CALLED]
        pbx = Sipp(tmp_path, "pbx", call.pbx, f"{host}:{port}", *keys, transport=call.transport)
        carriers.append(pbx)
        failed = [it.told() for it in reversed(carriers) if not it.done()]
        assert not failed, "\n".join(failed) + trunk.server.run("trace", "last", "--messages").stdout
        record = trunk.record(before)
        assert (record["state"], record["reason"]) == (call.state, call.reason), record
        assert trunk.metric("trunkline_calls_active") == 0
    finally:
        for it in carriers:
            it.stop()
        for order in range(1, len(call.carriers) + 1):
            trunk.server.run("carrier", "remove", f"c{order}", check=False)


def test_there_are_at_least_forty_calls():
    assert len(CALLS) >= 40
