"""Each family of operations by the AWS CLI: shorthand, JSON, skeletons, queries, pages, exit codes."""

import json
import re

import boto3
import pytest

from aws_cli import Cli
from model import OPERATIONS, sample
from trunkline_server import Server

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:ivr"
KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TERMINATION = "CpsLimit=5,CallingRegions=US,CA,CidrAllowedList=203.0.113.0/27"
ROUTE = "Host=198.51.100.7,Port=5060,Protocol=UDP,Priority=1,Weight=1"
# The CLI's exit codes: the service refused or a value is of the wrong kind; the command line is wrong.
REFUSED, WRONG_USAGE = 255, 2


@pytest.fixture
def aws(server):
    return Cli(server)


@pytest.fixture(scope="module")
def any_aws(server):
    return Cli(server)


@pytest.fixture
def it(aws):
    id = aws(
        "create-voice-connector", "--name", "office", "--no-require-encryption",
        "--query", "VoiceConnector.VoiceConnectorId", "--output", "text",
    ).text
    return ["--voice-connector-id", id]


def kebab(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_every_operation_is_reached_by_its_command_and_an_input_of_json(any_aws, operation):
    members = {
        name: sample(shape, whole=False)
        for name, shape, *_ in operation.members()
        if name in operation.required
    }
    done = any_aws(kebab(operation.name), "--cli-input-json", json.dumps(members))
    if done.code == 0:
        return
    # Nothing of the kind is there yet, so a refusal is an answer too, if it is one of the operation's own.
    [(shape, name)] = re.findall(r"\((\w+)\) when calling the (\w+) operation", done.stderr)
    assert name == operation.name
    assert shape in operation.errors, done.stderr
    assert done.code == REFUSED


def test_connectors(aws, it):
    region = ["--query", "VoiceConnector.AwsRegion", "--output", "text"]
    assert aws("get-voice-connector", *it, *region).text == "us-east-1"
    changed = aws("update-voice-connector", *it, "--name", "branch", "--require-encryption").answer
    assert changed["VoiceConnector"]["RequireEncryption"] is True
    named = "VoiceConnectors[?Name=='branch'].VoiceConnectorId | [0]"
    assert aws("list-voice-connectors", "--query", named, "--output", "text").text == it[1]
    assert "us-east-1" in aws("list-available-voice-connector-regions").answer["VoiceConnectorRegions"]
    assert aws("delete-voice-connector", *it).text == ""
    assert aws("get-voice-connector", *it).code == REFUSED


def test_termination_its_credentials_and_origination(aws, it, tmp_path):
    put = aws("put-voice-connector-termination", *it, "--termination", TERMINATION).answer
    assert put["Termination"]["CallingRegions"] == ["US", "CA"]
    assert aws("get-voice-connector-termination", *it).answer == put
    assert aws("get-voice-connector-termination-health", *it).answer == {"TerminationHealth": {}}

    # A password in a file is in no history and in no list of processes.
    credentials = tmp_path / "credentials.json"
    credentials.write_text(json.dumps([{"Username": "pbx", "Password": "secret"}]))
    put = aws("put-voice-connector-termination-credentials", *it, "--credentials", f"file://{credentials}")
    assert put.text == ""
    listed = aws("list-voice-connector-termination-credentials", *it, "--output", "text").text
    assert listed.split() == ["USERNAMES", "pbx"]
    aws("delete-voice-connector-termination-credentials", *it, "--usernames", "pbx").text
    assert aws("list-voice-connector-termination-credentials", *it).answer == {"Usernames": []}
    aws("delete-voice-connector-termination", *it).text

    aws("put-voice-connector-origination", *it, "--origination", f"Routes=[{{{ROUTE}}}],Disabled=false").answer
    hosts = aws("get-voice-connector-origination", *it, "--query", "Origination.Routes[].Host").answer
    assert hosts == ["198.51.100.7"]
    aws("delete-voice-connector-origination", *it).text


def test_groups(aws, it):
    items = f"VoiceConnectorId={it[1]},Priority=1"
    made = aws("create-voice-connector-group", "--name", "both", "--voice-connector-items", items).answer
    group = ["--voice-connector-group-id", made["VoiceConnectorGroup"]["VoiceConnectorGroupId"]]
    assert aws("get-voice-connector-group", *group).answer == made
    assert made["VoiceConnectorGroup"] in aws("list-voice-connector-groups").answer["VoiceConnectorGroups"]
    assert "(ConflictException)" in aws("delete-voice-connector-group", *group).stderr
    aws("update-voice-connector-group", *group, "--name", "none", "--voice-connector-items", "[]").answer
    assert aws("delete-voice-connector-group", *group).text == ""


def test_numbers_and_their_orders(aws, server, it):
    numbers = [f"+1920555010{n}" for n in range(3)]
    server.run("number", "add", *numbers)
    found = aws("search-available-phone-numbers", "--area-code", "920", "--query", "E164PhoneNumbers").answer
    assert found == numbers
    order = aws(
        "create-phone-number-order", "--product-type", "VoiceConnector", "--e164-phone-numbers", *numbers[:2],
        "--query", "PhoneNumberOrder.PhoneNumberOrderId", "--output", "text",
    ).text
    status = ["get-phone-number-order", "--phone-number-order-id", order, "--query", "PhoneNumberOrder.Status"]
    while (decided := aws(*status, "--output", "text").text) == "Processing":
        pass
    assert decided == "Successful"
    ids = aws("list-phone-number-orders", "--query", "PhoneNumberOrders[].PhoneNumberOrderId").answer
    assert order in ids

    one = ["--phone-number-id", numbers[0]]
    id = aws("get-phone-number", *one, "--query", "PhoneNumber.PhoneNumberId", "--output", "text").text
    assert id == numbers[0].replace("+", "%2B")
    named = aws("update-phone-number", "--phone-number-id", id, "--name", "desk").answer
    assert named["PhoneNumber"]["Name"] == "desk"
    items = [f"PhoneNumberId={number},Name=lab" for number in numbers]
    errors = aws("batch-update-phone-number", "--update-phone-number-request-items", *items).answer
    assert [error["ErrorCode"] for error in errors["PhoneNumberErrors"]] == ["NotFound"]

    for verb in ["associate-phone-numbers-with", "disassociate-phone-numbers-from"]:
        done = aws(f"{verb}-voice-connector", *it, "--e164-phone-numbers", *numbers[:2]).answer
        assert done == {"PhoneNumberErrors": []}
    aws("delete-phone-number", *one).text
    aws("batch-delete-phone-number", "--phone-number-ids", numbers[1]).answer
    waiting = aws("list-phone-numbers", "--status", "DeleteInProgress", "--query", "length(PhoneNumbers)").answer
    assert waiting == 2
    assert aws("restore-phone-number", *one).answer["PhoneNumber"]["Status"] == "Unassigned"
    countries = aws("list-supported-phone-number-countries", "--product-type", "VoiceConnector").answer
    assert countries["PhoneNumberCountries"][0]["CountryCode"] == "US"


def test_settings(aws, it):
    streaming = "DataRetentionInHours=5,Disabled=false,StreamingNotificationTargets=[{NotificationTarget=SQS}]"
    aws("put-voice-connector-streaming-configuration", *it, "--streaming-configuration", streaming).answer
    kept = aws("get-voice-connector-streaming-configuration", *it).answer["StreamingConfiguration"]
    assert kept["DataRetentionInHours"] == 5
    aws("delete-voice-connector-streaming-configuration", *it).text
    logging = "EnableSIPLogs=true,EnableMediaMetricLogs=true"
    put = aws("put-voice-connector-logging-configuration", *it, "--logging-configuration", logging).answer
    assert aws("get-voice-connector-logging-configuration", *it).answer == put
    systems = ["--session-border-controller-types", "ORACLE_ACME_PACKET_SBC"]
    put = aws("put-voice-connector-external-systems-configuration", *it, *systems).answer
    assert aws("get-voice-connector-external-systems-configuration", *it).answer == put
    aws("delete-voice-connector-external-systems-configuration", *it).text

    aws("put-voice-connector-termination", *it, "--termination", TERMINATION).answer
    aws("put-voice-connector-origination", *it, "--origination", f"Routes=[{{{ROUTE}}}]").answer
    emergency = "DNIS=[{EmergencyPhoneNumber=+12065550911,CallingCountry=US}]"
    configuration = ["--emergency-calling-configuration", emergency]
    put = aws("put-voice-connector-emergency-calling-configuration", *it, *configuration).answer
    assert aws("get-voice-connector-emergency-calling-configuration", *it).answer == put
    aws("delete-voice-connector-emergency-calling-configuration", *it).text

    aws("update-global-settings", "--voice-connector", "CdrBucket=cli-records").text
    bucket = ["get-global-settings", "--query", "VoiceConnector.CdrBucket", "--output", "text"]
    assert aws(*bucket).text == "cli-records"
    aws("update-global-settings", "--voice-connector", "{}").text
    assert aws(*bucket).text == "None"
    checked = aws(
        "validate-e911-address", "--aws-account-id", "000000000000", "--street-number", "410",
        "--street-info", "Terry Avenue North", "--city", "Seattle", "--state", "WA", "--country", "US",
        "--postal-code", "98109", "--query", "Address.streetSuffix", "--output", "text",
    )
    assert checked.text == "AVE"


def test_proxy_sessions(aws, server, it):
    number = "+19205550110"
    server.run("number", "add", number, "--account", "000000000000")
    pool = ["--default-session-expiry-minutes", "60", "--phone-number-pool-countries", "US"]
    aws("put-voice-connector-proxy", *it, *pool).answer
    aws("associate-phone-numbers-with-voice-connector", *it, "--e164-phone-numbers", number).answer
    participants = ["--participant-phone-numbers", "+14015550101", "+12065550192"]
    made = aws("create-proxy-session", *it, *participants, "--capabilities", "Voice").answer["ProxySession"]
    one = [*it, "--proxy-session-id", made["ProxySessionId"]]
    assert aws("get-proxy-session", *one).answer["ProxySession"] == made
    aws("update-proxy-session", *one, "--capabilities", "Voice", "--expiry-minutes", "5").answer
    listed = aws("list-proxy-sessions", *it, "--status", "Open", "--query", "ProxySessions[].ExpiryMinutes").answer
    assert listed == [5]
    aws("delete-proxy-session", *one).text
    assert aws("get-proxy-session", *one, "--query", "ProxySession.Status").answer == "Closed"
    aws("delete-voice-connector-proxy", *it).text


@pytest.fixture
def application(aws):
    made = aws(
        "create-sip-media-application", "--name", "ivr", "--aws-region", "us-east-1",
        "--endpoints", f"LambdaArn={FUNCTION}",
    ).answer
    return ["--sip-media-application-id", made["SipMediaApplication"]["SipMediaApplicationId"]]


def test_sip_media_applications_and_rules(aws, it, application):
    aws("update-sip-media-application", *application, "--name", "menu").answer
    named = aws("get-sip-media-application", *application, "--query", "SipMediaApplication.Name").answer
    assert named == "menu"
    host = aws("get-voice-connector", *it, "--query", "VoiceConnector.OutboundHostName", "--output", "text").text
    target = f"SipMediaApplicationId={application[1]},Priority=1,AwsRegion=us-east-1"
    made = aws(
        "create-sip-rule", "--name", "rule", "--trigger-type", "RequestUriHostname", "--trigger-value", host,
        "--target-applications", target,
    ).answer["SipRule"]
    rule = ["--sip-rule-id", made["SipRuleId"]]
    assert aws("get-sip-rule", *rule).answer["SipRule"] == made
    assert aws("update-sip-rule", *rule, "--name", "rule", "--disabled").answer["SipRule"]["Disabled"] is True
    aws("delete-sip-rule", *rule).text
    aws("delete-sip-media-application", *application).text


def test_the_paginator_of_applications_pages_stops_and_goes_on(aws, application):
    ids = ["--query", "SipMediaApplications[].SipMediaApplicationId"]
    for _ in range(4):
        aws("create-sip-media-application", "--name", "more", "--aws-region", "us-east-1",
            "--endpoints", f"LambdaArn={FUNCTION}").answer
    everything = aws("list-sip-media-applications", *ids).answer
    assert len(everything) >= 5
    # Whatever the size of a page, the CLI puts the pages together again.
    assert aws("list-sip-media-applications", "--page-size", "2", *ids).answer == everything
    first = aws("list-sip-media-applications", "--page-size", "2", "--max-items", "3").answer
    assert len(first["SipMediaApplications"]) == 3
    rest = aws("list-sip-media-applications", "--starting-token", first["NextToken"], *ids).answer
    assert [one["SipMediaApplicationId"] for one in first["SipMediaApplications"]] + rest == everything
    assert "SipRules" in aws("list-sip-rules", "--page-size", "1", *application).answer


def test_voice_profile_domains(aws):
    encryption = ["--server-side-encryption-configuration", f"KmsKeyArn={KEY}"]
    made = aws("create-voice-profile-domain", "--name", "voices", *encryption).answer["VoiceProfileDomain"]
    domain = ["--voice-profile-domain-id", made["VoiceProfileDomainId"]]
    aws("update-voice-profile-domain", *domain, "--name", "known", "--description", "known voices").answer
    read = aws("get-voice-profile-domain", *domain, "--query", "VoiceProfileDomain.[Name,Description]").answer
    assert read == ["known", "known voices"]
    assert aws("list-voice-profiles", *domain).answer == {"VoiceProfiles": []}
    ids = aws("list-voice-profile-domains", "--query", "VoiceProfileDomains[].VoiceProfileDomainId").answer
    assert made["VoiceProfileDomainId"] in ids
    aws("delete-voice-profile-domain", *domain).text


def test_tags(aws):
    made = aws("create-voice-connector", "--name", "t", "--no-require-encryption", "--tags", "Key=a,Value=1").answer
    arn = ["--resource-arn", made["VoiceConnector"]["VoiceConnectorArn"]]
    aws("tag-resource", *arn, "--tags", "Key=b,Value=2", "Key=c,Value=3").text
    aws("untag-resource", *arn, "--tag-keys", "a", "b").text
    assert aws("list-tags-for-resource", *arn).answer == {"Tags": [{"Key": "c", "Value": "3"}]}


def test_a_skeleton_filled_in_is_an_input(server, aws, tmp_path):
    skeleton = Cli(server)("create-voice-connector", "--generate-cli-skeleton").answer
    filled = {"Name": "from a skeleton", "RequireEncryption": False, "AwsRegion": "eu-west-2", "Tags": []}
    assert set(filled) <= set(skeleton)
    file = tmp_path / "input.json"
    file.write_text(json.dumps(filled | {"Tags": [{"Key": "a", "Value": "1"}]}))
    # Flags beside it win over the file.
    made = aws("create-voice-connector", "--cli-input-json", f"file://{file}", "--name", "by a flag").answer
    assert (made["VoiceConnector"]["Name"], made["VoiceConnector"]["AwsRegion"]) == ("by a flag", "eu-west-2")


def test_outputs_for_people_and_for_scripts(aws, it):
    table = aws("get-voice-connector", *it, "--output", "table").text
    assert "OutboundHostName" in table and table.startswith("---")
    row = aws("get-voice-connector", *it, "--output", "text", "--query", "VoiceConnector.[VoiceConnectorId,Name]").text
    assert row == f"{it[1]}\toffice"


@pytest.mark.parametrize(
    "arguments, code, told",
    [
        (["get-voice-connector", "--voice-connector-id", "a" * 22], REFUSED, "(NotFoundException)"),
        (["get-voice-connector", "--voice-connector-id", "No"], REFUSED, "(BadRequestException)"),
        (["create-voice-connector", "--name", "x/!", "--no-require-encryption"], REFUSED, 'Name is "x/!"'),
        (["get-voice-connector"], WRONG_USAGE, "--voice-connector-id"),
        (["list-voice-connectors", "--max-results", "0"], REFUSED, "MaxResults"),
    ],
)
def test_a_refusal_has_its_exit_code_and_says_why(aws, arguments, code, told):
    done = aws(*arguments)
    assert told in done.stderr
    assert done.code == code, done.stderr
    assert done.stdout == ""


# Of the three retry modes the legacy one alone knows the name of the exception.
def test_a_throttled_command_is_tried_again(tmp_path):
    settings = {"TRUNKLINE_API__REQUESTS_PER_SECOND": "5", "TRUNKLINE_API__BURST": "1"}
    with Server(tmp_path, **settings) as server:
        once, again = Cli(server), Cli(server, AWS_MAX_ATTEMPTS="10", AWS_RETRY_MODE="legacy")
        while "(ThrottledClientException)" not in once("list-voice-connectors").stderr:
            pass
        assert again("list-voice-connectors").answer == {"VoiceConnectors": []}


def test_the_service_has_no_waiters_so_commands_that_wait_are_loops(server):
    assert server.client().waiter_names == []
    assert boto3.client("chime-sdk-voice", region_name="us-east-1").can_paginate("list_sip_rules")
