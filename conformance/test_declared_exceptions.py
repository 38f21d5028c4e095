"""For each operation, every exception that the model declares for it: provoked through unmodified boto3, or a reason
why no request provokes it."""

import http.client
import json
import pathlib
import sqlite3

import pytest

from account import (
    ABSENT,
    ABSENT_CONNECTOR,
    ECHO,
    FUNCTION,
    IN_STOCK,
    KMS_KEY,
    NAMED,
    SPARE,
    WAITING,
    Account,
    call,
)
from model import OPERATIONS
from raw_http import Wire
from sip_wire import Caller, contact, to_tag
from trunkline_server import Server
from violations import Draft, cases

API_TESTS = pathlib.Path(__file__).parent.parent / "crates/edges/api/tests/api"
FAST = {"TRUNKLINE_API__REQUESTS_PER_SECOND": "1000000", "TRUNKLINE_API__BURST": "1000000"}
STATUS = {
    "BadRequestException": 400,
    "ResourceLimitExceededException": 400,
    "UnauthorizedClientException": 401,
    "ForbiddenException": 403,
    "AccessDeniedException": 403,
    "NotFoundException": 404,
    "ConflictException": 409,
    "GoneException": 410,
    "UnprocessableEntityException": 422,
    "ThrottledClientException": 429,
    "ServiceFailureException": 500,
    "ServiceUnavailableException": 503,
}

READERS = {
    name
    for name in OPERATIONS
    if name.startswith(("Get", "List")) or name in ("SearchAvailablePhoneNumbers", "ValidateE911Address")
}


class Reason(str):
    """Why no request provokes an exception."""


class Analysed(str):
    """What takes an analyser of calls, which no release has yet: the test of `api` that puts one in its place."""


# Provoked for every operation that declares them, each by a test of its own.
EVERYWHERE = [
    "BadRequestException",
    "UnauthorizedClientException",
    "ThrottledClientException",
    "ServiceUnavailableException",
]

MAY_READ = Reason("full and read-only keys may both read")
ONE_NAME = Reason("the operation declares AccessDeniedException as well, and keys that may not are told that")
NO_ANALYSER = Reason("what it reads is made by an analyser of calls, which no release has yet, so there is none to damage")
READS_NOTHING = Reason("it reads nothing that could be damaged")
ITEMS = Reason("what is absent is told per item, in PhoneNumberErrors, and the others are done")
EMPTY_LIST = Reason("a filter that nothing meets gives an empty list")
NO_CONFLICT = Reason("nothing that exists stands in its way: names need not be unique")
ALEXA = Reason("the Alexa operations are gone, whatever they ask for")
NO_ENGINE = Reason("calls of SIP media applications are not carried yet, so there is no limit to reach")

ABSENCES = {
    "VoiceConnectorId": ABSENT_CONNECTOR,
    "VoiceConnectorGroupId": ABSENT,
    "VoiceConnectorItems": [{"VoiceConnectorId": ABSENT_CONNECTOR, "Priority": 1}],
    "SipMediaApplicationId": ABSENT,
    "SipRuleId": ABSENT,
    "VoiceProfileDomainId": ABSENT,
    "VoiceProfileId": f"vp-{ABSENT}",
    "SpeakerSearchTaskId": ABSENT,
    "PhoneNumberId": "+12065559999",
    "PhoneNumberOrderId": ABSENT,
    "ProxySessionId": ABSENT,
    "ResourceARN": f"arn:aws:chime:us-east-1:000000000000:vc/{ABSENT_CONNECTOR}",
}
NEVER_NOT_FOUND = {
    "GetSipMediaApplicationAlexaSkillConfiguration": ALEXA,
    "PutSipMediaApplicationAlexaSkillConfiguration": ALEXA,
    "ListPhoneNumbers": EMPTY_LIST,
    "ListSipRules": EMPTY_LIST,
    "ListVoiceProfileDomains": EMPTY_LIST,
    "BatchUpdatePhoneNumber": ITEMS,
    "BatchDeletePhoneNumber": ITEMS,
    "ValidateE911Address": Reason("an address that is not found has a ValidationResult that says so"),
}

# Operations that answer as ever although every document of the store is damaged.
UNTOUCHED_BY_DAMAGE = {
    "CreatePhoneNumberOrder": Reason("it counts numbers and reads none; they are found when the order is fulfilled"),
    "CreateSipMediaApplication": Reason("it counts applications and reads none"),
    "CreateVoiceConnector": Reason("it counts connectors and reads none"),
    "CreateVoiceProfileDomain": Reason("it counts domains and reads none"),
    "UpdateGlobalSettings": Reason("it replaces what there was without reading it"),
    "GetSipMediaApplicationAlexaSkillConfiguration": READS_NOTHING,
    "PutSipMediaApplicationAlexaSkillConfiguration": READS_NOTHING,
    "ListAvailableVoiceConnectorRegions": READS_NOTHING,
    "ListSupportedPhoneNumberCountries": READS_NOTHING,
    "ValidateE911Address": READS_NOTHING,
    "GetSpeakerSearchTask": NO_ANALYSER,
    "StopSpeakerSearchTask": NO_ANALYSER,
    "GetVoiceToneAnalysisTask": NO_ANALYSER,
    "StopVoiceToneAnalysisTask": NO_ANALYSER,
    "CreateVoiceProfile": NO_ANALYSER,
    "GetVoiceProfile": NO_ANALYSER,
    "UpdateVoiceProfile": NO_ANALYSER,
    "DeleteVoiceProfile": NO_ANALYSER,
}


def conflicts(account):
    """Requests that something which exists stands in the way of."""
    return {
        "CreateSipRule": lambda: account.rule_members("again"),
        "CreateVoiceProfileDomain": account.same_token,
        "DeleteSipMediaApplication": lambda: {"SipMediaApplicationId": account.application},
        "DeleteVoiceConnector": lambda: {"VoiceConnectorId": account.connector},
        "DeleteVoiceConnectorGroup": lambda: {"VoiceConnectorGroupId": account.group},
        "UpdatePhoneNumber": account.named_twice,
    }


NO_CONFLICTS = {
    "CreateSipMediaApplication": NO_CONFLICT,
    "DeleteSipRule": Reason("a rule can be deleted while it is enabled, as Terraform does"),
    "DeleteVoiceProfileDomain": Reason("its profiles are deleted with it"),
    "DeleteVoiceProfile": Reason("nothing depends on a profile"),
    "PutVoiceConnectorExternalSystemsConfiguration": Reason("a put replaces what was there"),
    "UpdateSipMediaApplication": NO_CONFLICT,
    "UpdateSipRule": Reason("a rule keeps its trigger, which no other rule can have"),
    "UpdateVoiceConnectorGroup": Reason("a connector may be in several groups"),
    "GetSpeakerSearchTask": Reason("a task can be read in each of its states"),
    "GetVoiceToneAnalysisTask": Reason("a task can be read in each of its states"),
    "StopSpeakerSearchTask": Reason("a task that goes on can be stopped; one that has ended is Unprocessable"),
    "StopVoiceToneAnalysisTask": Reason("a task that goes on can be stopped; one that has ended is Unprocessable"),
    "StartSpeakerSearchTask": Analysed("one_task_of_a_kind_is_active_on_a_call"),
    "StartVoiceToneAnalysisTask": Analysed("one_task_of_a_kind_is_active_on_a_call"),
    "CreateVoiceProfile": Analysed("a_voiceprint_must_be_made_kept_and_of_the_profiles_domain"),
    "UpdateVoiceProfile": Analysed("a_voiceprint_must_be_made_kept_and_of_the_profiles_domain"),
}

# The quotas of a server that a test below fills.
SMALL = {
    "TRUNKLINE_API__VOICE_CONNECTORS_MAX": "1",
    "TRUNKLINE_API__VOICE_CONNECTOR_GROUPS_MAX": "1",
    "TRUNKLINE_API__PHONE_NUMBERS_MAX": "2",
}
LIMITED = [
    "CreatePhoneNumberOrder",
    "CreateSipMediaApplication",
    "CreateSipRule",
    "CreateVoiceConnector",
    "CreateVoiceConnectorGroup",
    "CreateVoiceProfileDomain",
    "RestorePhoneNumber",
    "TagResource",
]
NO_LIMITS = {
    "CreateSipMediaApplicationCall": NO_ENGINE,
    "UpdateSipMediaApplicationCall": NO_ENGINE,
    "UpdateSipRule": Reason("an update makes no rule, and the model bounds a rule's targets before a quota could"),
    "StartSpeakerSearchTask": Analysed("the_quota_counts_active_tasks"),
    "StartVoiceToneAnalysisTask": Analysed("the_quota_counts_active_tasks"),
    "CreateVoiceProfile": Analysed("the_quota_refuses_one_profile_too_many"),
}

ON_A_CALL = ["StartSpeakerSearchTask", "StartVoiceToneAnalysisTask"]
GONE = ["GetSipMediaApplicationAlexaSkillConfiguration", "PutSipMediaApplicationAlexaSkillConfiguration", *ON_A_CALL]
NOT_GONE = {
    "CreateVoiceProfile": Analysed("a_voiceprint_that_no_profile_was_made_from_is_kept_for_a_day"),
    "UpdateVoiceProfile": Analysed("a_voiceprint_must_be_made_kept_and_of_the_profiles_domain"),
}
NOT_UNPROCESSABLE = {
    "StopSpeakerSearchTask": Analysed("what_was_stopped_stays_stopped_and_what_has_ended_cannot_be_stopped"),
    "StopVoiceToneAnalysisTask": Analysed("what_was_stopped_stays_stopped_and_what_has_ended_cannot_be_stopped"),
}


def declaring(exception):
    return [it.name for it in OPERATIONS.values() if exception in it.errors]


def denial(name):
    """What a key that may not do an operation is told."""
    return "AccessDeniedException" if "AccessDeniedException" in OPERATIONS[name].errors else "ForbiddenException"


def reasons():
    """Every pair of an operation and an exception that no request provokes."""
    return (
        {(name, "ForbiddenException"): ONE_NAME for name in declaring("AccessDeniedException")}
        | {(name, "AccessDeniedException"): MAY_READ for name in declaring("AccessDeniedException") if name in READERS}
        | {(name, "ForbiddenException"): MAY_READ for name in READERS}
        | {(name, "NotFoundException"): why for name, why in NEVER_NOT_FOUND.items()}
        | {(name, "ServiceFailureException"): why for name, why in UNTOUCHED_BY_DAMAGE.items()}
        | {(name, "ConflictException"): why for name, why in NO_CONFLICTS.items()}
        | {(name, "ResourceLimitExceededException"): why for name, why in NO_LIMITS.items()}
        | {(name, "GoneException"): why for name, why in NOT_GONE.items()}
        | {(name, "UnprocessableEntityException"): why for name, why in NOT_UNPROCESSABLE.items()}
    )


def provoked():
    """Every pair of an operation and an exception that a test below provokes."""
    return (
        {(name, exception) for exception in EVERYWHERE for name in declaring(exception)}
        | {(name, denial(name)) for name in set(OPERATIONS) - READERS}
        | {(name, "NotFoundException") for name in declaring("NotFoundException") if name not in NEVER_NOT_FOUND}
        | {(name, "ServiceFailureException") for name in OPERATIONS if name not in UNTOUCHED_BY_DAMAGE}
        | {(name, "ConflictException") for name in conflicts(Stand())}
        | {(name, "ResourceLimitExceededException") for name in LIMITED}
        | {(name, "GoneException") for name in GONE}
        | {(name, "UnprocessableEntityException") for name in ON_A_CALL}
    )


class Stand:
    """Stands for an account where only the names of requests matter."""

    def __getattr__(self, _):
        return None


class Tried(Account):
    """An account with what some refusals need besides."""

    def same_token(self):
        members = {"ServerSideEncryptionConfiguration": {"KmsKeyArn": KMS_KEY}, "ClientRequestToken": "one"}
        self.voice.create_voice_profile_domain(Name="first", **members)
        return {"Name": "second", **members}

    def named_twice(self):
        self.voice.update_phone_number(PhoneNumberId=NAMED, CallingName="Acme")
        return {"PhoneNumberId": NAMED, "CallingName": "Other"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("exceptions"), **FAST) as running:
        yield running


@pytest.fixture(scope="module")
def account(server):
    return Tried(server, server.client())


def refused(voice, operation, members, exception):
    """Asserts that a request is refused so, as boto3 parses it; returns the message."""
    with pytest.raises(voice.exceptions.ClientError) as caught:
        answer = call(voice, operation, members)
        pytest.fail(f"{operation} was served: {answer}")
    assert isinstance(caught.value, getattr(voice.exceptions, exception)), f"{operation}: {caught.value}"
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == STATUS[exception]
    assert response["ResponseMetadata"]["RequestId"]
    assert response["Error"]["Message"] and "\n" not in response["Error"]["Message"]
    return response["Error"]["Message"]


def test_every_pair_that_the_model_declares_is_provoked_or_has_its_reason():
    declared = {(it.name, exception) for it in OPERATIONS.values() for exception in it.errors}
    assert len(declared) == 726
    assert set(STATUS) == {exception for _, exception in declared}
    assert provoked() | set(reasons()) == declared
    assert provoked() & set(reasons()) == set()
    assert len(provoked()) > 550
    written = "\n".join(it.read_text() for it in API_TESTS.glob("*.rs"))
    for pair, why in reasons().items():
        if isinstance(why, Analysed):
            assert f"async fn {why}()" in written, f"{pair}: there is no test {why}"
    for name, _ in [pair for pair in declared if pair[1] == "AccessDeniedException"]:
        assert "ForbiddenException" in OPERATIONS[name].errors


def test_a_good_request_of_every_operation_is_known():
    assert set(Sketch().requests()) == set(OPERATIONS)
    assert set(Sketch().reads()) == READERS


class Sketch(Tried):
    """An account that was never made."""

    def __init__(self):
        pass

    def __getattr__(self, name):
        return name


def test_bad_requests(server):
    """boto3 with its own validation off, and the request spoiled right before it is signed."""
    voice = server.client()
    for operation in OPERATIONS.values():
        case = next(cases(operation), None)

        def spoil(request, **_):
            if case is None:
                # No member to break a rule of: what is left is its size.
                request.headers["x-padding"] = "x" * 20_000
                return
            request.method, request.data = case.method, case.body
            request.url = server.endpoint + case.target

        event = f"before-sign.chime-sdk-voice.{operation.name}"
        voice.meta.events.register(event, spoil, unique_id="spoil")
        refused(voice, operation.name, Sketch().requests()[operation.name], "BadRequestException")
        voice.meta.events.unregister(event, unique_id="spoil")


def test_unauthorized_clients(server, account):
    made = json.loads(server.run("key", "create", "--output", "json").stdout)
    server.run("key", "disable", made["access_key_id"])
    disabled = server.client(made["access_key_id"], made["secret_access_key"])
    unknown = server.client("AKIAUNKNOWNUNKNOWNUN", "secret")
    for operation, members in account.requests().items():
        message = refused(disabled, operation, members, "UnauthorizedClientException")
        assert "disabled" in message
        message = refused(unknown, operation, members, "UnauthorizedClientException")
        assert "AKIAUNKNOWNUNKNOWNUN" in message


def test_forbidden_clients(server, account):
    made = json.loads(server.run("key", "create", "--policy", "read-only", "--output", "json").stdout)
    reader = server.client(made["access_key_id"], made["secret_access_key"])
    before = account.state()
    for operation, members in (account.writes() | account.live()).items():
        if operation in READERS:
            continue
        message = refused(reader, operation, members, denial(operation))
        assert made["access_key_id"] in message and operation in message
    assert account.state() == before


def test_throttled_clients(tmp_path):
    slow = {"TRUNKLINE_API__REQUESTS_PER_SECOND": "1", "TRUNKLINE_API__BURST": "1"}
    with Server(tmp_path, **slow) as server:
        voice = server.client()
        for operation, members in Sketch().requests().items():
            if "ThrottledClientException" not in OPERATIONS[operation].errors:
                continue
            # One request a second is earned, so of three in a row one at least comes too soon.
            for _ in range(3):
                try:
                    call(voice, operation, members)
                except voice.exceptions.ThrottledClientException as caught:
                    headers = caught.response["ResponseMetadata"]["HTTPHeaders"]
                    assert headers["retry-after"] == "1"
                    assert "requests per second" in caught.response["Error"]["Message"]
                    break
                except voice.exceptions.ClientError:
                    pass
            else:
                pytest.fail(f"{operation} was never throttled")


def test_a_service_without_room(tmp_path):
    """Every connection is taken; test_store_faults.py has the store away."""
    with Server(tmp_path, TRUNKLINE_API__CONNECTIONS_MAX="1") as server:
        voice = server.client()
        requests = Sketch().requests()
        taken = http.client.HTTPConnection(server.ready["http"])
        for operation, members in requests.items():
            # Keeps the one connection there is, and keeps it busy.
            taken.request("GET", "/voice-connectors")
            taken.getresponse().read()
            message = refused(voice, operation, members, "ServiceUnavailableException")
            assert "all 1 connections are in use" in message
        taken.close()


def test_what_is_not_found(account):
    voice = account.voice
    for operation, members in account.requests().items():
        if "NotFoundException" not in OPERATIONS[operation].errors or operation in NEVER_NOT_FOUND:
            continue
        if operation == "CreateVoiceConnectorGroup":
            absent = members | {"VoiceConnectorItems": ABSENCES["VoiceConnectorItems"]}
        else:
            absent = {name: ABSENCES.get(name, value) for name, value in members.items()}
        message = refused(voice, operation, absent, "NotFoundException")
        named = [ABSENT, ABSENT_CONNECTOR, "+12065559999"]
        assert any(it in message for it in named), f"{operation}: {message}"


@pytest.mark.parametrize("operation", conflicts(Stand()))
def test_conflicts(account, operation):
    before = account.state() if operation.startswith("Delete") else None
    refused(account.voice, operation, conflicts(account)[operation](), "ConflictException")
    assert before is None or account.state() == before


def test_quotas(tmp_path):
    with Server(tmp_path, **SMALL, **FAST) as server:
        voice, wire = server.client(), Wire(server)
        arns = []

        def limit(operation, members, quota):
            message = refused(voice, operation, members, "ResourceLimitExceededException")
            assert quota in message, message

        connector = voice.create_voice_connector(Name="one", RequireEncryption=False)["VoiceConnector"]
        limit("CreateVoiceConnector", {"Name": "two", "RequireEncryption": False}, "1")
        voice.create_voice_connector_group(Name="one", VoiceConnectorItems=[])
        limit("CreateVoiceConnectorGroup", {"Name": "two", "VoiceConnectorItems": []}, "1")

        server.run("number", "add", NAMED, WAITING, "--account", "000000000000")
        server.run("number", "add", IN_STOCK)
        order = {"ProductType": "VoiceConnector", "E164PhoneNumbers": [IN_STOCK]}
        limit("CreatePhoneNumberOrder", order, "Phone numbers")
        voice.delete_phone_number(PhoneNumberId=WAITING)
        server.run("number", "add", SPARE, "--account", "000000000000")
        limit("RestorePhoneNumber", {"PhoneNumberId": WAITING}, "Phone numbers")

        arn = connector["VoiceConnectorArn"]
        voice.tag_resource(ResourceARN=arn, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
        limit("TagResource", {"ResourceARN": arn, "Tags": [{"Key": "k50", "Value": ""}]}, "50")

        def fill(operation, members):
            """Creates until it is refused."""
            draft = Draft(OPERATIONS[operation])
            for number in range(2_000):
                draft.document = members(number)
                answer = wire.send("POST", draft.target, draft.body)
                if answer.status != 201:
                    break
                arns.append(answer.json)
            assert answer.error == "ResourceLimitExceededException", answer
            limit(operation, members(2_001), "the quota")

        encryption = {"ServerSideEncryptionConfiguration": {"KmsKeyArn": KMS_KEY}}
        fill("CreateVoiceProfileDomain", lambda n: {"Name": f"domain {n}", **encryption})
        endpoints = {"AwsRegion": "us-east-1", "Endpoints": [{"LambdaArn": FUNCTION}]}
        fill("CreateSipMediaApplication", lambda n: {"Name": f"application {n}", **endpoints})
        application = arns[-1]["SipMediaApplication"]["SipMediaApplicationId"]
        wire.close()
    with Server(tmp_path, **FAST) as server:
        voice, wire = server.client(), Wire(server)
        connector = b'{"Name":"one","RequireEncryption":false}'
        hosts = [wire.send("POST", "/voice-connectors", connector).json for _ in range(1_001)]
        target = [{"SipMediaApplicationId": application, "Priority": 1, "AwsRegion": "us-east-1"}]
        fill(
            "CreateSipRule",
            lambda n: {
                "Name": f"rule {n}",
                "TriggerType": "RequestUriHostname",
                "TriggerValue": hosts[min(n, 1_000)]["VoiceConnector"]["OutboundHostName"],
                "TargetApplications": target,
            },
        )
        wire.close()


def test_what_is_gone_and_what_cannot_be_processed(server, account):
    voice = account.voice
    for operation in GONE[:2]:
        refused(voice, operation, account.requests()[operation], "GoneException")
    host = voice.get_voice_connector(VoiceConnectorId=account.plain_connector)["VoiceConnector"]["OutboundHostName"]
    with Caller(server, host, SPARE, ECHO) as caller:
        caller.send("INVITE", body=caller.sdp())
        status, text = caller.final()
        caller.acknowledge(text, uri=contact(text) if status == 200 else None)
        assert status == 200, text

        def calls():
            told = server.run("calls", "--connector", account.plain_connector, "--output", "json")
            return json.loads(told.stdout)["calls"]

        [live] = calls()
        on_the_call = {"VoiceConnectorId": account.plain_connector, "TransactionId": live["transaction_id"]}
        for operation in ON_A_CALL:
            members = account.requests()[operation] | on_the_call
            refused(voice, operation, members, "UnprocessableEntityException")
        caller.send("BYE", uri=contact(text), to_tag=to_tag(text))
        assert caller.final()[0] == 200
        while calls()[0]["state"] in ("ringing", "answered"):
            pass
        for operation in ON_A_CALL:
            refused(voice, operation, account.requests()[operation] | on_the_call, "GoneException")


def test_a_damaged_store(tmp_path):
    """Every document is spoiled from outside, as a broken disk might; nothing of it reaches the caller."""
    with Server(tmp_path, **FAST) as server:
        account = Tried(server, server.client())
        account.voice.update_phone_number_settings(CallingName="Acme")
        account.voice.put_sip_media_application_logging_configuration(
            SipMediaApplicationId=account.application,
            SipMediaApplicationLoggingConfiguration={"EnableSipMediaApplicationMessageLogs": True},
        )
        requests = account.requests()
        database = sqlite3.connect(server.data_dir / "trunkline.db", timeout=30)
        with database:
            kept = "(SELECT id FROM kind WHERE name = 'access_key')"
            count = database.execute(
                f"UPDATE resource SET document = x'7b00', seal = 0 WHERE kind NOT IN {kept}"
            ).rowcount
        database.close()
        assert count > 30
        for operation, members in requests.items():
            if operation in UNTOUCHED_BY_DAMAGE:
                with_answer(account.voice, operation, members)
                continue
            message = refused(account.voice, operation, members, "ServiceFailureException")
            assert "its log has the cause under the request id" in message
        assert "panicked" not in server.log_text()


def with_answer(voice, operation, members):
    """Asserts that a request is answered, whatever the answer, and that no fault of ours is in it."""
    try:
        call(voice, operation, members)
    except voice.exceptions.ClientError as caught:
        assert caught.response["ResponseMetadata"]["HTTPStatusCode"] < 500, f"{operation}: {caught}"
