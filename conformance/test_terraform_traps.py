"""What breaks the Terraform provider when a server gets it wrong, each trap as one test."""

import concurrent.futures

import pytest
from botocore.exceptions import ClientError

from terraform_provider import GlobalSettings, SipRule, VoiceConnector, VoiceConnectorGroup, name

REGIONS = [
    "us-east-1",
    "us-west-2",
    "ca-central-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
]
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:ivr"
KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TERMINATION = {"CallingRegions": ["US"], "CidrAllowedList": ["50.35.78.96/27"], "CpsLimit": 1}
ROUTES = [
    {"Host": "200.100.12.1", "Port": 5060, "Protocol": "TCP", "Priority": 1, "Weight": 1},
    {"Host": "209.166.124.147", "Port": 5060, "Protocol": "UDP", "Priority": 2, "Weight": 30},
]
STREAMING = {
    "DataRetentionInHours": 5,
    "Disabled": False,
    "StreamingNotificationTargets": [{"NotificationTarget": "SQS"}],
}


@pytest.fixture
def made(voice):
    return VoiceConnector(voice, name=name("vc"), require_encryption=True).apply()


@pytest.fixture
def it(made):
    return {"VoiceConnectorId": made.id}


@pytest.fixture
def application(voice):
    made = voice.create_sip_media_application(
        AwsRegion="us-east-1", Name=name("sma"), Endpoints=[{"LambdaArn": FUNCTION}]
    )
    return made["SipMediaApplication"]


@pytest.fixture
def rule(voice, made, application):
    target = {
        "sip_media_application_id": application["SipMediaApplicationId"],
        "priority": 1,
        "aws_region": "us-east-1",
    }
    return SipRule(
        voice,
        name=name("rule"),
        trigger_type="RequestUriHostname",
        trigger_value=made.state["outbound_host_name"],
        disabled=False,
        target_applications=[target],
    ).apply()


def code(refused):
    return refused.value.response["Error"]["Code"]


def reads(voice, made):
    """Every read of a resource of a connector."""
    here = {"VoiceConnectorId": made.id}
    return [
        lambda: voice.get_voice_connector(**here),
        lambda: voice.get_voice_connector_logging_configuration(**here),
        lambda: voice.get_voice_connector_origination(**here),
        lambda: voice.get_voice_connector_streaming_configuration(**here),
        lambda: voice.get_voice_connector_termination(**here),
        lambda: voice.list_voice_connector_termination_credentials(**here),
        lambda: voice.get_global_settings(),
    ]


def test_01_a_read_that_is_refused_is_never_told_as_absent(server, made):
    """The provider takes any failed read for an absent resource, so each must have a cause that is true."""
    known = server.credentials
    for stranger, wanted in [
        (server.client(known["aws_access_key_id"], "wrong-secret"), "InvalidSignatureException"),
        (server.client("AKIAXXXXXXXXXXXXXXXX", "unknown"), "UnauthorizedClientException"),
    ]:
        for read in reads(stranger, made):
            with pytest.raises(ClientError) as refused:
                read()
            assert code(refused) == wanted


def test_01_a_refresh_of_many_resources_at_once_is_not_throttled(server, made):
    """Ten at a time is the provider's default; a 429 would end as a plan to create everything again."""
    voice = server.client()

    def refresh(_):
        return voice.get_voice_connector(VoiceConnectorId=made.id)["ResponseMetadata"]["HTTPStatusCode"]

    with concurrent.futures.ThreadPoolExecutor(10) as ten:
        assert set(ten.map(refresh, range(300))) == {200}


def test_02_a_read_after_a_delete_is_not_found(voice, it):
    voice.put_voice_connector_origination(**it, Origination={"Routes": ROUTES})
    voice.put_voice_connector_termination(**it, Termination=TERMINATION)
    voice.put_voice_connector_streaming_configuration(**it, StreamingConfiguration=STREAMING)
    for delete, read in [
        (voice.delete_voice_connector_origination, voice.get_voice_connector_origination),
        (voice.delete_voice_connector_termination, voice.get_voice_connector_termination),
        (
            voice.delete_voice_connector_streaming_configuration,
            voice.get_voice_connector_streaming_configuration,
        ),
    ]:
        read(**it)
        delete(**it)
        with pytest.raises(voice.exceptions.NotFoundException):
            read(**it)


def test_03_credentials_list_as_empty_until_the_connector_is_gone(voice, it):
    usernames = lambda: voice.list_voice_connector_termination_credentials(**it)["Usernames"]
    assert usernames() == []
    voice.put_voice_connector_termination(**it, Termination=TERMINATION)
    assert usernames() == []
    credentials = [{"Username": "test1", "Password": "test1!"}]
    voice.put_voice_connector_termination_credentials(**it, Credentials=credentials)
    listed = voice.list_voice_connector_termination_credentials(**it)
    assert listed["Usernames"] == ["test1"] and "test1!" not in str(listed)
    voice.delete_voice_connector_termination_credentials(**it, Usernames=["test1"])
    assert usernames() == []
    voice.delete_voice_connector(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        usernames()


def test_04_a_put_replaces_and_what_is_left_out_is_false_or_empty(voice, it):
    full = TERMINATION | {"Disabled": True, "DefaultPhoneNumber": "+12065550100"}
    voice.put_voice_connector_termination(**it, Termination=full)
    voice.put_voice_connector_termination(**it, Termination=TERMINATION)
    read = voice.get_voice_connector_termination(**it)["Termination"]
    assert read["Disabled"] is False
    assert read.get("DefaultPhoneNumber", "") == ""

    voice.put_voice_connector_origination(**it, Origination={"Routes": ROUTES, "Disabled": True})
    voice.put_voice_connector_origination(**it, Origination={"Routes": ROUTES[:1]})
    read = voice.get_voice_connector_origination(**it)["Origination"]
    assert read == {"Routes": ROUTES[:1], "Disabled": False}

    insights = {"Disabled": True}
    configured = STREAMING | {"Disabled": True, "MediaInsightsConfiguration": insights}
    voice.put_voice_connector_streaming_configuration(**it, StreamingConfiguration=configured)
    voice.put_voice_connector_streaming_configuration(**it, StreamingConfiguration=STREAMING)
    read = voice.get_voice_connector_streaming_configuration(**it)["StreamingConfiguration"]
    assert read == STREAMING


def test_05_a_group_takes_an_empty_list_of_items_and_answers_202(voice, made):
    members = [{"voice_connector_id": made.id, "priority": 1}]
    group = VoiceConnectorGroup(voice, name=name("vcg"), connector=members).apply()
    # A change of the name alone sends no items, and the request is followed.
    group.config["name"] = name("vcg")
    group.update({"name"})
    assert group.refresh() == {"name": group.config["name"], "connector": []}
    assert "connector" in group.plan()
    answer = voice.update_voice_connector_group(
        VoiceConnectorGroupId=group.id, Name="empty", VoiceConnectorItems=[]
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    voice.delete_voice_connector_group(VoiceConnectorGroupId=group.id)


def test_06_a_rule_is_deleted_while_it_is_enabled(rule):
    assert rule.state["disabled"] is False
    rule.delete()
    assert rule.refresh() is None


def test_06_a_rule_that_is_renamed_keeps_its_targets_and_its_trigger(rule):
    before = rule.state
    rule.config["name"] = name("rule")
    rule.update({"name"})
    assert rule.refresh() == before | {"name": rule.config["name"]}


def test_07_global_settings_always_have_an_object_for_connectors(voice):
    voice.update_global_settings(VoiceConnector={"CdrBucket": "records"})
    voice.update_global_settings(VoiceConnector={})
    answer = voice.get_global_settings()
    assert answer["VoiceConnector"] == {}


def test_07_an_empty_bucket_clears_the_bucket(server, voice):
    # boto3 would refuse this before sending it; the provider's SDK sends it.
    unchecked = server.client(parameter_validation=False)
    voice.update_global_settings(VoiceConnector={"CdrBucket": "records"})
    answer = unchecked.update_global_settings(VoiceConnector={"CdrBucket": ""})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert voice.get_global_settings()["VoiceConnector"] == {}


def test_07_the_callers_account_is_told_by_sts(server):
    identity = server.client(service="sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"].startswith("arn:aws:iam::000000000000:")
    settings = GlobalSettings(server.client(), sts=server.client(service="sts"), cdr_bucket="records")
    assert settings.apply().id == identity["Account"]
    settings.destroy()


def test_07_what_else_sts_is_asked_is_refused_by_what_is_served(server):
    with pytest.raises(ClientError) as refused:
        server.client(service="sts").assume_role(
            RoleArn="arn:aws:iam::000000000000:role/terraform", RoleSessionName="terraform"
        )
    assert "GetCallerIdentity" in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize("region", REGIONS)
def test_08_each_of_the_ten_regions_is_echoed(server, region):
    voice = server.client(region_name=region)
    made = VoiceConnector(voice, name=name("vc"), require_encryption=True, aws_region=region).apply()
    assert made.state["aws_region"] == region
    assert made.state["arn"].split(":")[3] == region
    made.destroy()


def test_09_arns_of_all_that_is_tagged_round_trip(voice, made, application):
    domain = voice.create_voice_profile_domain(
        Name=name("vpd"), ServerSideEncryptionConfiguration={"KmsKeyArn": KEY}
    )["VoiceProfileDomain"]
    for arn, kind, id in [
        (made.state["arn"], "vc", made.id),
        (application["SipMediaApplicationArn"], "sma", application["SipMediaApplicationId"]),
        (domain["VoiceProfileDomainArn"], "voice-profile-domain", domain["VoiceProfileDomainId"]),
    ]:
        assert arn == f"arn:aws:chime:us-east-1:000000000000:{kind}/{id}"
        # Created without tags, it lists none; then removed keys are untagged before others are tagged.
        assert voice.list_tags_for_resource(ResourceARN=arn)["Tags"] == []
        voice.tag_resource(ResourceARN=arn, Tags=[{"Key": "old", "Value": "1"}, {"Key": "kept", "Value": "1"}])
        voice.untag_resource(ResourceARN=arn, TagKeys=["old"])
        voice.tag_resource(ResourceARN=arn, Tags=[{"Key": "kept", "Value": "2"}, {"Key": "new", "Value": ""}])
        tags = {tag["Key"]: tag["Value"] for tag in voice.list_tags_for_resource(ResourceARN=arn)["Tags"]}
        assert tags == {"kept": "2", "new": ""}


def test_10_an_encrypted_connector_takes_routes_by_udp_and_tcp(voice, made, it):
    assert made.state["require_encryption"] is True
    voice.put_voice_connector_origination(**it, Origination={"Routes": ROUTES})
    assert voice.get_voice_connector_origination(**it)["Origination"]["Routes"] == ROUTES


def test_11_the_outbound_host_name_is_there_at_once_and_never_changes(voice, it, made):
    host = made.state["outbound_host_name"]
    assert host == f"{made.id}.voiceconnector.localhost"
    for change in [{"name": name("vc")}, {"require_encryption": False}, {"tags": {"k": "v"}}]:
        assert made.apply(**change).state["outbound_host_name"] == host


def test_12_a_domains_key_and_description_stay_when_they_are_not_sent(voice):
    encryption = {"KmsKeyArn": KEY}
    made = voice.create_voice_profile_domain(
        Name=name("vpd"), Description="kept", ServerSideEncryptionConfiguration=encryption
    )["VoiceProfileDomain"]
    it = {"VoiceProfileDomainId": made["VoiceProfileDomainId"]}
    voice.update_voice_profile_domain(**it, Name="renamed")
    read = voice.get_voice_profile_domain(**it)["VoiceProfileDomain"]
    assert (read["Name"], read["Description"]) == ("renamed", "kept")
    assert read["ServerSideEncryptionConfiguration"] == encryption


def test_13_lists_of_an_empty_account_are_empty_and_not_refused(server):
    voice = server.client_of("444455556666")
    assert voice.list_voice_connectors()["VoiceConnectors"] == []
    assert voice.list_voice_profile_domains()["VoiceProfileDomains"] == []


def test_13_the_sweeper_walks_the_pages_and_deletes_by_id_alone(server):
    voice = server.client_of("777788889999")
    made = {VoiceConnector(voice, name=name("vc"), require_encryption=False).apply().id for _ in range(5)}
    swept, token = set(), {}
    while True:
        page = voice.list_voice_connectors(MaxResults=2, **token)
        for one in page["VoiceConnectors"]:
            voice.delete_voice_connector(VoiceConnectorId=one["VoiceConnectorId"])
            swept.add(one["VoiceConnectorId"])
        # The next page is found although what this one told is gone.
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert swept == made


def test_14_a_connector_is_deleted_with_its_settings_but_not_with_its_numbers(server, voice, it):
    number = "+12065550160"
    server.run("number", "add", number, "--account", "000000000000")
    voice.put_voice_connector_origination(**it, Origination={"Routes": ROUTES})
    voice.put_voice_connector_termination(**it, Termination=TERMINATION)
    voice.put_voice_connector_streaming_configuration(**it, StreamingConfiguration=STREAMING)
    voice.put_voice_connector_logging_configuration(**it, LoggingConfiguration={"EnableSIPLogs": True})
    voice.associate_phone_numbers_with_voice_connector(**it, E164PhoneNumbers=[number])
    with pytest.raises(voice.exceptions.ConflictException, match=number.replace("+", r"\+")):
        voice.delete_voice_connector(**it)
    voice.disassociate_phone_numbers_from_voice_connector(**it, E164PhoneNumbers=[number])
    voice.delete_voice_connector(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector(**it)


@pytest.mark.parametrize(
    "change",
    [{"Weight": 0}, {"Weight": 101}, {"Priority": 0}, {"Priority": 101}, {"Port": -1}, {"Protocol": "SCTP"}],
    ids=str,
)
def test_15_the_service_checks_a_route_that_no_provider_checked(server, it, change):
    unchecked = server.client(parameter_validation=False)
    with pytest.raises(unchecked.exceptions.BadRequestException, match=next(iter(change))):
        unchecked.put_voice_connector_origination(**it, Origination={"Routes": [ROUTES[0] | change]})


@pytest.mark.parametrize("network", ["50.35.78.0/26", "50.35.78.97/27", "50.35.78.97/33", "everywhere"])
def test_15_the_service_checks_a_network_that_no_provider_checked(voice, it, network):
    with pytest.raises(voice.exceptions.BadRequestException, match="CidrAllowedList"):
        voice.put_voice_connector_termination(**it, Termination=TERMINATION | {"CidrAllowedList": [network]})


def test_15_a_host_by_name_is_taken_although_the_provider_would_not_send_one(voice, it):
    route = ROUTES[0] | {"Host": "sbc.example.com", "Priority": 100, "Weight": 100}
    voice.put_voice_connector_origination(**it, Origination={"Routes": [route]})
    assert voice.get_voice_connector_origination(**it)["Origination"]["Routes"] == [route]
