"""Connectors, termination, origination and tags, by unmodified boto3."""

import datetime
import json
import re

import pytest
from botocore.exceptions import ClientError

TERMINATION = {"CallingRegions": ["US"], "CidrAllowedList": ["203.0.113.0/27"]}
ROUTE = {"Host": "198.51.100.7", "Port": 5060, "Protocol": "UDP", "Priority": 1, "Weight": 1}


def create(voice, **members):
    return voice.create_voice_connector(**({"Name": "c", "RequireEncryption": False} | members))


def test_a_created_connector_has_every_member_of_its_shape(voice):
    answer = create(voice, Name="Head office 1", AwsRegion="eu-west-1")
    made = answer["VoiceConnector"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert re.fullmatch("[a-z0-9]{22}", made["VoiceConnectorId"])
    assert made["OutboundHostName"] == f"{made['VoiceConnectorId']}.voiceconnector.localhost"
    assert made["VoiceConnectorArn"] == (
        f"arn:aws:chime:eu-west-1:000000000000:vc/{made['VoiceConnectorId']}"
    )
    assert (made["Name"], made["AwsRegion"]) == ("Head office 1", "eu-west-1")
    assert made["RequireEncryption"] is False
    assert made["NetworkType"] == "IPV4_ONLY"
    assert "IntegrationType" not in made
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs((now - made["CreatedTimestamp"]).total_seconds()) < 60
    assert made["UpdatedTimestamp"] == made["CreatedTimestamp"]


def test_a_connector_is_read_as_it_was_created_at_once(voice):
    made = create(voice)["VoiceConnector"]
    read = voice.get_voice_connector(VoiceConnectorId=made["VoiceConnectorId"])["VoiceConnector"]
    assert read == made


def test_an_update_changes_name_and_encryption_and_nothing_else(voice):
    made = create(voice, Name="before")["VoiceConnector"]
    answer = voice.update_voice_connector(
        VoiceConnectorId=made["VoiceConnectorId"], Name="after", RequireEncryption=True
    )
    updated = answer["VoiceConnector"]
    assert (updated["Name"], updated["RequireEncryption"]) == ("after", True)
    assert updated["UpdatedTimestamp"] >= made["UpdatedTimestamp"]
    for member in ["VoiceConnectorId", "OutboundHostName", "AwsRegion", "CreatedTimestamp", "VoiceConnectorArn"]:
        assert updated[member] == made[member]


def test_a_deleted_connector_is_not_found_by_any_operation(voice):
    made = create(voice)["VoiceConnector"]
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    voice.put_voice_connector_termination(**it, Termination=TERMINATION)
    voice.put_voice_connector_origination(**it, Origination={"Routes": [ROUTE]})
    assert voice.delete_voice_connector(**it)["ResponseMetadata"]["HTTPStatusCode"] == 204
    for call in [
        lambda: voice.get_voice_connector(**it),
        lambda: voice.delete_voice_connector(**it),
        lambda: voice.update_voice_connector(**it, Name="x", RequireEncryption=False),
        lambda: voice.get_voice_connector_termination(**it),
        lambda: voice.get_voice_connector_origination(**it),
        lambda: voice.delete_voice_connector_termination(**it),
        lambda: voice.list_voice_connector_termination_credentials(**it),
        lambda: voice.get_voice_connector_termination_health(**it),
    ]:
        with pytest.raises(voice.exceptions.NotFoundException) as refused:
            call()
        assert made["VoiceConnectorId"] in refused.value.response["Error"]["Message"]


def test_listing_pages_by_key_and_gives_each_connector_once(voice):
    made = {create(voice)["VoiceConnector"]["VoiceConnectorId"] for _ in range(7)}
    seen, token = [], {}
    while True:
        page = voice.list_voice_connectors(MaxResults=3, **token)
        assert len(page["VoiceConnectors"]) <= 3
        seen += [it["VoiceConnectorId"] for it in page["VoiceConnectors"]]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


@pytest.mark.parametrize("bad", [{"NextToken": "not-a-token"}, {"MaxResults": 101}])
def test_a_page_request_out_of_range_is_a_bad_request(voice, bad):
    with pytest.raises(voice.exceptions.BadRequestException) as refused:
        voice.list_voice_connectors(**bad)
    assert next(iter(bad)) in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    "member, value",
    [("Name", "x/!"), ("Name", "n" * 257), ("AwsRegion", "mars"), ("NetworkType", "IPV9")],
)
def test_what_botocore_does_not_check_the_service_does(voice, member, value):
    with pytest.raises(voice.exceptions.BadRequestException) as refused:
        create(voice, **{member: value})
    assert member in refused.value.response["Error"]["Message"]


def test_the_ten_regions_are_listed(voice):
    regions = voice.list_available_voice_connector_regions()["VoiceConnectorRegions"]
    assert len(regions) == 10 and "us-east-1" in regions and "ap-southeast-2" in regions


def test_termination_is_replaced_as_a_whole_and_gone_after_delete(voice):
    it = {"VoiceConnectorId": create(voice)["VoiceConnector"]["VoiceConnectorId"]}
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_termination(**it)
    full = TERMINATION | {"CpsLimit": 5, "DefaultPhoneNumber": "+12065550100", "Disabled": True}
    assert voice.put_voice_connector_termination(**it, Termination=full)["Termination"] == full
    assert voice.get_voice_connector_termination(**it)["Termination"] == full
    voice.put_voice_connector_termination(**it, Termination=TERMINATION)
    read = voice.get_voice_connector_termination(**it)["Termination"]
    assert read["CpsLimit"] == 1 and read["Disabled"] is False
    assert not read.get("DefaultPhoneNumber")
    answer = voice.delete_voice_connector_termination(**it)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_termination(**it)
    voice.delete_voice_connector_termination(**it)


@pytest.mark.parametrize(
    "change, named",
    [
        ({"CidrAllowedList": ["203.0.113.1/27"]}, "CidrAllowedList"),
        ({"CidrAllowedList": ["203.0.112.0/20"]}, "CidrAllowedList"),
        ({"CidrAllowedList": ["not-a-network"]}, "CidrAllowedList"),
        ({"CidrAllowedList": [f"203.0.113.{n}/32" for n in range(11)]}, "CidrAllowedList"),
        ({"CallingRegions": []}, "CallingRegions"),
        ({"CallingRegions": ["USA"]}, "CallingRegions"),
        ({"DefaultPhoneNumber": "1001x"}, "DefaultPhoneNumber"),
        ({"CpsLimit": 2_000_000_000}, "CpsLimit"),
    ],
)
def test_a_termination_that_breaks_a_rule_is_refused_by_name(voice, connector, change, named):
    with pytest.raises(ClientError) as refused:
        voice.put_voice_connector_termination(
            VoiceConnectorId=connector["VoiceConnectorId"], Termination=TERMINATION | change
        )
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refused.value.response["Error"]["Code"] in {
        "BadRequestException",
        "ResourceLimitExceededException",
    }
    message = refused.value.response["Error"]["Message"]
    assert named in message or "calls per second" in message.lower()


def test_a_termination_that_was_never_pinged_has_an_empty_health(voice, connector):
    answer = voice.get_voice_connector_termination_health(
        VoiceConnectorId=connector["VoiceConnectorId"]
    )
    assert answer["TerminationHealth"] == {}


def test_origination_keeps_its_routes_and_defaults(voice):
    it = {"VoiceConnectorId": create(voice)["VoiceConnector"]["VoiceConnectorId"]}
    second = {"Host": "sbc.example.com", "Protocol": "TCP", "Priority": 2, "Weight": 30}
    voice.put_voice_connector_origination(**it, Origination={"Routes": [ROUTE, second]})
    read = voice.get_voice_connector_origination(**it)["Origination"]
    assert read["Disabled"] is False
    assert read["Routes"] == [ROUTE, second | {"Port": 5060}]
    voice.delete_voice_connector_origination(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_origination(**it)


@pytest.mark.parametrize(
    "origination",
    [
        {},
        {"Routes": [ROUTE | {"Host": "bad host"}]},
        {"Routes": [ROUTE | {"Port": 65536}]},
        {"Routes": [ROUTE | {"Priority": 101}]},
        {"Routes": [{k: v for k, v in ROUTE.items() if k != "Host"}]},
        {"Routes": [ROUTE] * 21},
    ],
)
def test_an_origination_that_breaks_a_rule_is_a_bad_request(voice, connector, origination):
    with pytest.raises(ClientError) as refused:
        voice.put_voice_connector_origination(
            VoiceConnectorId=connector["VoiceConnectorId"], Origination=origination
        )
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_tags_are_added_changed_and_removed(voice):
    arn = create(voice, Tags=[{"Key": "k1", "Value": "v1"}])["VoiceConnector"]["VoiceConnectorArn"]

    def tags():
        return {it["Key"]: it["Value"] for it in voice.list_tags_for_resource(ResourceARN=arn)["Tags"]}

    assert tags() == {"k1": "v1"}
    voice.tag_resource(
        ResourceARN=arn, Tags=[{"Key": "k1", "Value": "v1u"}, {"Key": "k2", "Value": "v2"}]
    )
    assert tags() == {"k1": "v1u", "k2": "v2"}
    voice.untag_resource(ResourceARN=arn, TagKeys=["k1"])
    assert tags() == {"k2": "v2"}


def test_an_untagged_connector_lists_no_tags_and_an_unknown_one_is_not_found(voice):
    made = create(voice)["VoiceConnector"]
    assert voice.list_tags_for_resource(ResourceARN=made["VoiceConnectorArn"])["Tags"] == []
    unknown = made["VoiceConnectorArn"].replace(made["VoiceConnectorId"], "a" * 22)
    with pytest.raises(ClientError) as refused:
        voice.list_tags_for_resource(ResourceARN=unknown)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_connector_takes_fifty_tags_and_no_more(voice):
    fifty = [{"Key": f"k{n}", "Value": "v"} for n in range(50)]
    arn = create(voice, Tags=fifty)["VoiceConnector"]["VoiceConnectorArn"]
    with pytest.raises(ClientError) as refused:
        voice.tag_resource(ResourceARN=arn, Tags=[{"Key": "one-more", "Value": "v"}])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert len(voice.list_tags_for_resource(ResourceARN=arn)["Tags"]) == 50


def test_every_operation_of_boto3s_model_is_built_and_listed(voice, server):
    listed = json.loads(server.run("api", "--list", "--output", "json").stdout)["operations"]
    assert sorted(it["operation"] for it in listed) == sorted(voice.meta.service_model.operation_names)
    assert [it["operation"] for it in listed if not it["implemented"]] == []


def test_accounts_do_not_see_each_other(voice, server):
    made = create(voice)["VoiceConnector"]
    key = json.loads(
        server.run("key", "create", "--account", "111122223333", "--output", "json").stdout
    )
    other = server.client(key["access_key_id"], key["secret_access_key"])
    assert other.list_voice_connectors()["VoiceConnectors"] == []
    with pytest.raises(other.exceptions.NotFoundException):
        other.get_voice_connector(VoiceConnectorId=made["VoiceConnectorId"])
    theirs = create(other)["VoiceConnector"]
    assert ":111122223333:" in theirs["VoiceConnectorArn"]
