"""Every operation of the model with no key, a bad one, a disabled one, a read-only one, and with another
account's ids: whoever may not do a thing learns nothing from asking.

The operations and their members come from botocore's own model, so one that is new is tried as well."""

import json
import pathlib
import re
import subprocess
import sys

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from trunkline_server import BIN

OTHER = "111122223333"
MODEL = boto3.client("chime-sdk-voice", region_name="us-east-1").meta.service_model
OPERATIONS = sorted(MODEL.operation_names)
# Ids of the right form that exist nowhere.
UUID = "00000000-0000-4000-8000-000000000000"
ABSENT = {
    "Arn": "arn:aws:chime:us-east-1:000000000000:vc/" + "0" * 22,
    "VoiceConnectorId": "0" * 22,
    "VoiceConnectorGroupId": "0" * 22,
    "PhoneNumberId": "+12065550199",
    "PhoneNumberOrderId": UUID,
    "ProxySessionId": UUID,
    "SipMediaApplicationId": UUID,
    "SipRuleId": UUID,
    "VoiceProfileDomainId": f"vpd-{UUID}",
    "VoiceProfileId": f"vp-{UUID}",
    "SpeakerSearchTaskId": f"sst-{UUID}",
    "VoiceToneAnalysisTaskId": f"vta-{UUID}",
    "TransactionId": UUID,
}

# What the rules of an operation want beyond the model's "required".
VALUES = {
    "AwsRegion": "us-east-1",
    "Capabilities": ["Voice"],
    "CdrBucket": "records",
    "ClientRequestToken": "once",
    "Credentials": [{"Username": "pbx", "Password": "correct horse"}],
    "DataRetentionInHours": 1,
    "EmergencyCallingConfiguration": {
        "DNIS": [{"EmergencyPhoneNumber": "+12065550911", "CallingCountry": "US"}]
    },
    "Endpoints": [{"LambdaArn": f"arn:aws:lambda:us-east-1:{OTHER}:function:f"}],
    "ExpiryMinutes": 5,
    "LanguageCode": "en-US",
    "Name": "tried",
    "Origination": {"Routes": [{"Host": "192.0.2.1"}]},
    "ParticipantPhoneNumbers": ["+12065550111", "+12065550112"],
    "PhoneNumberPoolCountries": ["US"],
    "DefaultSessionExpiryMinutes": 5,
    "ServerSideEncryptionConfiguration": {"KmsKeyArn": f"arn:aws:kms:us-east-1:{OTHER}:key/1"},
    "SipMediaApplicationLoggingConfiguration": {"EnableSipMediaApplicationMessageLogs": False},
    "SessionBorderControllerTypes": ["CISCO_UNIFIED_BORDER_ELEMENT"],
    "StreamingConfiguration": {"DataRetentionInHours": 1, "Disabled": False},
    "TagKeys": ["team"],
    "Tags": [{"Key": "team", "Value": "voice"}],
    "Termination": {"CallingRegions": ["US"]},
    "TriggerType": "RequestUriHostname",
    "Usernames": ["pbx"],
    "FromPhoneNumber": "+12065550150",
    "ToPhoneNumber": "+12065550151",
    "CallingName": "tried",
}


def request(operation, ids):
    """Parameters of an operation, about the things with these ids."""
    shape = MODEL.operation_model(operation).input_shape
    if shape is None:
        return {}
    values = dict(VALUES)
    values["ResourceARN"] = ids["Arn"]
    values["E164PhoneNumbers"] = [ids["PhoneNumberId"]]
    values["PhoneNumberIds"] = [ids["PhoneNumberId"]]
    values["UpdatePhoneNumberRequestItems"] = [{"PhoneNumberId": ids["PhoneNumberId"], "Name": "taken"}]
    values["TargetApplications"] = [
        {"SipMediaApplicationId": ids["SipMediaApplicationId"], "Priority": 1, "AwsRegion": "us-east-1"}
    ]
    values["VoiceConnectorItems"] = [{"VoiceConnectorId": ids["VoiceConnectorId"], "Priority": 1}]
    values["TriggerValue"] = f"{ids['VoiceConnectorId']}.voiceconnector.localhost"
    wanted = set(shape.required_members) | {
        name
        for name in shape.members
        if name in ids
        # Lists that are optional in the model, and yet the point of the request.
        or name in ("Credentials", "Usernames", "VoiceConnectorItems", "TargetApplications")
        or name in ("Tags", "TagKeys", "SessionBorderControllerTypes", "CallingName")
        or name == "SipMediaApplicationLoggingConfiguration"
    }
    return {name: ids.get(name, values.get(name, sample(shape.members[name]))) for name in wanted}


def sample(shape):
    if shape.type_name == "structure":
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [sample(shape.member)]
    if shape.type_name == "map":
        return {}
    if shape.type_name == "boolean":
        return False
    if shape.type_name in ("integer", "float"):
        return shape.metadata.get("min", 1)
    return shape.enum[0] if getattr(shape, "enum", None) else "tried"


def ask(client, operation, parameters):
    """The status, the exception and the message of an answer, or its parsed members."""
    method = client.meta.method_to_api_mapping
    name = next(python for python, api in method.items() if api == operation)
    try:
        answer = getattr(client, name)(**parameters)
    except ClientError as error:
        answer = error.response
    metadata = answer.pop("ResponseMetadata")
    code = answer.get("Error", {}).get("Code", "")
    return metadata["HTTPStatusCode"], code, answer


def reads(operation):
    return MODEL.operation_model(operation).http["method"] == "GET" or operation == "ValidateE911Address"


def declared(operation):
    return {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in MODEL.operation_model(operation).error_shapes}


def client(server, access_key="AKIANOBODYSKEY000000", secret_key="x" * 40, signature_version=None):
    return boto3.client(
        "chime-sdk-voice",
        region_name="us-east-1",
        endpoint_url=server.endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            retries={"max_attempts": 0}, parameter_validation=False, signature_version=signature_version
        ),
    )


def made_key(server, *options):
    made = json.loads(server.run("key", "create", "--output", "json", *options).stdout)
    return made["access_key_id"], made["secret_access_key"]


@pytest.fixture(scope="module")
def owned(server):
    """Ids of one account's things, one of each kind that can be made without a call."""
    server.run("number", "add", "+12065550150", "+12065550152", "--account", "000000000000")
    server.run("number", "add", "+12065550153")
    ours = server.client()
    connector = ours.create_voice_connector(
        Name="ours", RequireEncryption=False, Tags=[{"Key": "team", "Value": "ours"}]
    )["VoiceConnector"]
    it = {"VoiceConnectorId": connector["VoiceConnectorId"]}
    ours.put_voice_connector_termination(**it, Termination={"CallingRegions": ["US"]})
    ours.put_voice_connector_origination(**it, Origination={"Routes": [{"Host": "192.0.2.1"}]})
    ours.put_voice_connector_termination_credentials(
        **it, Credentials=[{"Username": "pbx", "Password": "ours alone"}]
    )
    ours.put_voice_connector_streaming_configuration(
        **it, StreamingConfiguration={"DataRetentionInHours": 1, "Disabled": False}
    )
    ours.put_voice_connector_external_systems_configuration(
        **it, SessionBorderControllerTypes=["RIBBON_SBC"]
    )
    ours.put_voice_connector_emergency_calling_configuration(
        **it,
        EmergencyCallingConfiguration={
            "DNIS": [{"EmergencyPhoneNumber": "+12065550911", "CallingCountry": "US"}]
        },
    )
    ours.associate_phone_numbers_with_voice_connector(**it, E164PhoneNumbers=["+12065550152"])
    ours.put_voice_connector_proxy(
        **it, DefaultSessionExpiryMinutes=60, PhoneNumberPoolCountries=["US"]
    )
    session = ours.create_proxy_session(
        **it, ParticipantPhoneNumbers=["+12065550111", "+12065550112"], Capabilities=["Voice"]
    )["ProxySession"]
    group = ours.create_voice_connector_group(Name="ours")["VoiceConnectorGroup"]
    application = ours.create_sip_media_application(
        Name="ours",
        AwsRegion="us-east-1",
        Endpoints=[{"LambdaArn": "arn:aws:lambda:us-east-1:000000000000:function:f"}],
    )["SipMediaApplication"]
    rule = ours.create_sip_rule(
        Name="ours",
        TriggerType="RequestUriHostname",
        TriggerValue=connector["OutboundHostName"],
        TargetApplications=[
            {
                "SipMediaApplicationId": application["SipMediaApplicationId"],
                "Priority": 1,
                "AwsRegion": "us-east-1",
            }
        ],
    )["SipRule"]
    order = ours.create_phone_number_order(
        ProductType="VoiceConnector", E164PhoneNumbers=["+12065550153"]
    )["PhoneNumberOrder"]
    domain = ours.create_voice_profile_domain(
        Name="ours",
        ServerSideEncryptionConfiguration={"KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1"},
    )["VoiceProfileDomain"]
    return ABSENT | it | {
        "Arn": connector["VoiceConnectorArn"],
        "PhoneNumberId": "+12065550150",
        "ProxySessionId": session["ProxySessionId"],
        "VoiceConnectorGroupId": group["VoiceConnectorGroupId"],
        "SipMediaApplicationId": application["SipMediaApplicationId"],
        "SipRuleId": rule["SipRuleId"],
        "PhoneNumberOrderId": order["PhoneNumberOrderId"],
        "VoiceProfileDomainId": domain["VoiceProfileDomainId"],
    }


@pytest.fixture(scope="module")
def strangers(server):
    known = server.credentials
    disabled = made_key(server, "--name", "disabled")
    server.run("key", "disable", disabled[0])
    wrong_secret = client(server, known["aws_access_key_id"])
    return {
        "unsigned": (client(server, signature_version=UNSIGNED), 403, "MissingAuthenticationTokenException"),
        "bad signature": (wrong_secret, 403, "InvalidSignatureException"),
        "unknown key": (client(server), 401, "UnauthorizedClientException"),
        "disabled key": (client(server, *disabled), 401, "UnauthorizedClientException"),
    }


@pytest.fixture(scope="module")
def tenant(server):
    return client(server, *made_key(server, "--account", OTHER))


@pytest.fixture(scope="module")
def reader(server):
    return client(server, *made_key(server, "--policy", "read-only"))


def test_the_model_has_96_operations():
    assert len(OPERATIONS) == 96


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_good_key_no_operation_is_served(operation, strangers, owned):
    for kind, (stranger, status, error) in strangers.items():
        answer = ask(stranger, operation, request(operation, owned))
        assert answer[:2] == (status, error), kind


def snapshot(server):
    """Everything that can be seen of the account, with nothing that time changes."""
    ours = client(server, *[server.credentials[it] for it in ("aws_access_key_id", "aws_secret_access_key")])
    seen = {}
    for operation in OPERATIONS:
        required = MODEL.operation_model(operation).input_shape
        required = required.required_members if required else []
        if operation.startswith(("Get", "List")) and all(name == "VoiceConnectorId" for name in required):
            seen[operation] = operation, required
    connectors = ours.list_voice_connectors()["VoiceConnectors"]
    told = {}
    for operation, required in seen.values():
        for it in connectors if required else [{}]:
            parameters = {name: it[name] for name in required}
            told[operation, it.get("VoiceConnectorId")] = ask(ours, operation, parameters)
    return told


# Operations that name no thing of an account: they make one, list them, or are about the account.
NAMELESS = re.compile(
    "^(List(?!ProxySessions|VoiceProfiles|TagsForResource|VoiceConnectorTerminationCredentials)|Search|Validate"
    "|(Get|Update)GlobalSettings|(Get|Update)PhoneNumberSettings"
    "|Create(VoiceConnector|SipMediaApplication|VoiceProfileDomain|PhoneNumberOrder)$)"
)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_accounts_things_are_as_absent_as_what_never_was(operation, server, tenant, owned):
    if NAMELESS.match(operation):
        named = {"ResourceARN", *ABSENT} & set(request(operation, ABSENT))
        # ListSipRules filters by it.
        assert named <= {"SipMediaApplicationId"}, "it names a thing after all"
        return
    before = snapshot(server)
    foreign = ask(tenant, operation, request(operation, owned))
    absent = ask(tenant, operation, request(operation, ABSENT))
    told = json.dumps(foreign, default=str)
    for name, id in owned.items():
        told = told.replace(id.removeprefix("+"), ABSENT[name].removeprefix("+"))
    assert json.loads(told) == json.loads(json.dumps(absent, default=str))
    status, error, answer = absent
    if status == 200 or status == 201:
        # Each number of a list stands for itself.
        assert [it["ErrorCode"] for it in answer["PhoneNumberErrors"]] == ["NotFound"], answer
    else:
        # Nothing else came in the way: it was looked for, and not found.
        expected = {
            # The service retired it, whatever it is about.
            "GetSipMediaApplicationAlexaSkillConfiguration": (410, "GoneException"),
            "PutSipMediaApplicationAlexaSkillConfiguration": (410, "GoneException"),
            # These declare no NotFoundException; their messages say that it was not found.
            "CreateSipMediaApplicationCall": (400, "BadRequestException"),
            "CreateSipRule": (400, "BadRequestException"),
        }.get(operation, (404, "NotFoundException"))
        assert (status, error) == expected, answer
        assert error == "GoneException" or "Could not find" in answer["Error"]["Message"], answer
    assert snapshot(server) == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_read_only_key_reads_and_changes_nothing(operation, reader, owned):
    status, error, answer = ask(reader, operation, request(operation, owned))
    if reads(operation):
        assert status != 403 or "read-only" not in answer["Error"]["Message"], answer
        return
    names = declared(operation)
    expected = "AccessDeniedException" if "AccessDeniedException" in names else "ForbiddenException"
    assert (status, error) == (names[expected], expected)
    message = answer["Error"]["Message"]
    assert f"chime:{operation}" in message and "read-only" in message and "trunkline key create" in message


def test_an_address_is_validated_without_a_word_in_the_audit(server, reader):
    address = {"StreetNumber": "410", "StreetInfo": "Terry Ave N", "City": "Seattle", "State": "WA", "Country": "US"}
    status, _, answer = ask(reader, "ValidateE911Address", {"AwsAccountId": "0" * 12, **address, "PostalCode": "98109"})
    assert status == 202 and answer["ValidationResult"] == 0
    listed = server.run("audit", "--operation", "ValidateE911Address", "--output", "json").stdout
    assert json.loads(listed)["records"] == []


def test_each_refusal_is_in_the_audit(server, reader, owned):
    ask(reader, "DeleteVoiceConnector", request("DeleteVoiceConnector", owned))
    listed = json.loads(
        server.run(
            "audit", "--operation", "DeleteVoiceConnector", "--outcome", "refused", "--output", "json"
        ).stdout
    )["records"]
    assert listed[0]["error"] == "ForbiddenException"
    assert listed[0]["resources"] == [f"vc/{owned['VoiceConnectorId']}"]
    exported = server.run("audit", "export", "--operation", "DeleteVoiceConnector").stdout.splitlines()
    assert json.loads(exported[0])["request_id"] == listed[0]["request_id"]


def test_the_examples_of_the_policies_page_run_as_they_stand(server):
    page = (pathlib.Path(__file__).parent.parent / "docs" / "policies.md").read_text()
    runners = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    for language, runner in runners.items():
        source = "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S))
        assert source, f"no example for {language}"
        known = server.credentials
        done = subprocess.run(
            [*runner, source],
            env={
                "PATH": f"{pathlib.Path(BIN).resolve().parent}:/usr/bin:/bin",
                "HOME": str(server.home),
                "AWS_ENDPOINT_URL_CHIME_SDK_VOICE": server.endpoint,
                "AWS_ACCESS_KEY_ID": known["aws_access_key_id"],
                "AWS_SECRET_ACCESS_KEY": known["aws_secret_access_key"],
                "AWS_DEFAULT_REGION": "us-east-1",
            },
            cwd=server.home,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
