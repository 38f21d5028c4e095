"""Every constraint of the model, broken by a raw request: refused by name, never a fault of ours.

The requests are made of the model when the test runs, so that nothing of it can be left out.
"""

import collections
import re

import pytest

from model import OPERATIONS, constraints
from raw_http import Wire
from trunkline_server import Server
from violations import Draft, cases

FAST = {"TRUNKLINE_API__REQUESTS_PER_SECOND": "1000000", "TRUNKLINE_API__BURST": "1000000"}

# Violations that are admitted, because a client sends them: docs/deviations.md tells which.
ACCOMMODATED = {("UpdateGlobalSettings", "VoiceConnector.CdrBucket", "min")}

# What the line of a request cannot carry: no client gets it as far as the model's own check.
TOO_LONG_FOR_A_REQUEST_LINE = 8 << 10


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("constraints"), **FAST) as running:
        yield running


@pytest.fixture(scope="module")
def wire(server):
    wire = Wire(server)
    yield wire
    wire.close()


def complaint(case, answer):
    """What is wrong with an answer to a violating request; None if nothing is."""
    if answer.status != 400:
        return "is not 400"
    if answer.error != "BadRequestException" or answer.json["Code"] != "BadRequest":
        return "is no BadRequestException"
    if not answer.headers.get("x-amzn-requestid"):
        return "has no request id"
    message = answer.message
    if len(case.target) > TOO_LONG_FOR_A_REQUEST_LINE:
        return None if "larger than" in message else "does not say that the request is too large"
    if case.member and not re.match(re.escape(case.member) + r"(?![A-Za-z0-9_.\[{])", message):
        return f"does not begin with {case.member}"
    for word in case.words:
        if word not in message:
            return f"does not say {word!r}"
    if case.shown is not None and case.shown not in message:
        return f"does not show {case.shown}"
    if case.hidden is not None and case.hidden in message:
        return "shows what may be a secret"
    if not re.search(r"; [^;]+\.?$", message):
        return "has no remedy"
    if len(message) > 2_500:
        return "is too long to read"
    return None


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_every_violation_is_refused_by_the_members_name(wire, operation):
    complaints = []
    for case in cases(operation):
        answer = wire.send(case.method, case.target, case.body)
        if (str(operation), case.member, case.kind) in ACCOMMODATED:
            assert answer.status < 300, f"{case}: {answer}"
            continue
        wrong = complaint(case, answer)
        if wrong:
            complaints.append(f"{case}\n  {wrong}: {answer}")
    assert not complaints, f"{len(complaints)} answers:\n" + "\n".join(complaints[:40])


def test_the_violations_left_nothing_behind(server):
    voice = server.client()
    assert voice.list_voice_connectors()["VoiceConnectors"] == []
    assert voice.list_voice_connector_groups()["VoiceConnectorGroups"] == []
    assert voice.list_phone_number_orders()["PhoneNumberOrders"] == []
    assert voice.list_sip_media_applications()["SipMediaApplications"] == []
    assert voice.list_sip_rules()["SipRules"] == []
    assert voice.list_voice_profile_domains()["VoiceProfileDomains"] == []
    assert "CdrBucket" not in voice.get_global_settings().get("VoiceConnector", {})


def test_every_constraint_of_the_model_has_its_violation():
    count = collections.Counter()
    for operation in OPERATIONS.values():
        broken = set()
        for case in cases(operation):
            count[case.kind] += 1
            broken.add((case.path, case.kind))
        lacking = {(path, kind) for path, kind in constraints(operation)} - broken
        # A number's own type has two spellings of being wrong; each bound is named as the model does.
        assert not lacking, f"{operation}: {sorted(lacking)}"
    assert sum(count.values()) > 6_000, count
    for kind in ("required", "type", "min", "max", "pattern", "enum", "twice", "encoding", "not JSON", "depth"):
        assert count[kind] > 50, count


CONSTRAINT = re.compile(r"is required and|must (be|have|match|not)|does not fit the operation|is not JSON")


@pytest.mark.parametrize("whole", [False, True], ids=["required members", "all members"])
def test_the_requests_that_the_violations_are_made_of_break_nothing(tmp_path_factory, whole):
    with Server(tmp_path_factory.mktemp("baseline"), **FAST) as server:
        wire = Wire(server)
        refused = []
        for operation in OPERATIONS.values():
            draft = Draft(operation, whole)
            answer = wire.send(operation.method, draft.target, draft.body)
            assert answer.status < 500 or answer.error == "ServiceUnavailableException", f"{operation}: {answer}"
            if answer.status == 400 and CONSTRAINT.search(answer.message):
                refused.append(f"{operation}: {answer.message}")
        assert not refused, "\n".join(refused)


def test_a_body_where_none_belongs_is_not_looked_at(wire):
    for operation in OPERATIONS.values():
        if operation.has_body:
            continue
        draft = Draft(operation)
        plain = wire.send(operation.method, draft.target)
        loaded = wire.send(operation.method, draft.target, b"{not json")
        assert (plain.status, plain.error) == (loaded.status, loaded.error), f"{operation}: {loaded}"


def test_members_that_the_model_does_not_know_are_passed_over(wire):
    for operation in OPERATIONS.values():
        if not operation.has_body:
            continue
        draft = Draft(operation)
        draft.document["NoSuchMember"] = {"deep": [1, None, "x"]}
        draft.query.append(("no-such-key", "1"))
        answer = wire.send(operation.method, draft.target, draft.body)
        assert "NoSuchMember" not in answer.message and "no-such-key" not in answer.message
        assert answer.status < 500 or answer.error == "ServiceUnavailableException", f"{operation}: {answer}"
