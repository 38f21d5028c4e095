"""The call sequences of the Terraform provider's resources, with what its acceptance tests check."""

import pytest


@pytest.fixture
def made(voice):
    return voice.create_voice_connector(
        Name="vc-terraform", RequireEncryption=True, AwsRegion="us-east-1"
    )["VoiceConnector"]


def test_precheck_lists_an_account_without_parameters(voice):
    assert "VoiceConnectors" in voice.list_voice_connectors()


def test_connector_basic_reads_itself_and_its_tags(voice, made):
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    assert voice.get_voice_connector(**it)["VoiceConnector"]["RequireEncryption"] is True
    assert voice.list_tags_for_resource(ResourceARN=made["VoiceConnectorArn"])["Tags"] == []


def test_connector_update_keeps_its_id(voice, made):
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    voice.update_voice_connector(**it, Name=made["Name"], RequireEncryption=False)
    read = voice.get_voice_connector(**it)["VoiceConnector"]
    assert read["RequireEncryption"] is False
    assert read["VoiceConnectorId"] == made["VoiceConnectorId"]


def test_connector_tags_are_untagged_first_then_tagged(voice, made):
    arn = made["VoiceConnectorArn"]
    voice.tag_resource(ResourceARN=arn, Tags=[{"Key": "k1", "Value": "v1"}])
    voice.tag_resource(
        ResourceARN=arn, Tags=[{"Key": "k1", "Value": "v1u"}, {"Key": "k2", "Value": "v2"}]
    )
    voice.untag_resource(ResourceARN=arn, TagKeys=["k1"])
    assert voice.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k2", "Value": "v2"}]


def test_origination_takes_plain_routes_on_an_encrypted_connector(voice, made):
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    routes = [
        {"Host": "200.100.12.1", "Port": 5060, "Protocol": "TCP", "Priority": 1, "Weight": 1},
        {"Host": "209.166.124.147", "Protocol": "UDP", "Priority": 2, "Weight": 30},
    ]
    voice.put_voice_connector_origination(**it, Origination={"Routes": routes[:1]})
    assert len(voice.get_voice_connector_origination(**it)["Origination"]["Routes"]) == 1
    voice.put_voice_connector_origination(**it, Origination={"Routes": routes})
    read = voice.get_voice_connector_origination(**it)["Origination"]
    assert {(r["Host"], r["Port"]) for r in read["Routes"]} == {
        ("200.100.12.1", 5060),
        ("209.166.124.147", 5060),
    }
    voice.delete_voice_connector_origination(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_origination(**it)


def test_termination_update_clears_the_default_number(voice, made):
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    voice.put_voice_connector_termination(
        **it, Termination={"CallingRegions": ["US", "RU"], "CidrAllowedList": ["50.35.78.97/32"], "CpsLimit": 1}
    )
    first = voice.get_voice_connector_termination(**it)["Termination"]
    assert (first["CpsLimit"], first["Disabled"]) == (1, False)
    voice.put_voice_connector_termination(
        **it,
        Termination={
            "CallingRegions": ["US", "RU", "CA"],
            "CidrAllowedList": ["100.35.78.97/32"],
            "CpsLimit": 1,
            "Disabled": False,
        },
    )
    read = voice.get_voice_connector_termination(**it)["Termination"]
    assert len(read["CallingRegions"]) == 3
    assert read["CidrAllowedList"] == ["100.35.78.97/32"]
    assert read.get("DefaultPhoneNumber", "") == ""


def test_credentials_gone_behind_its_back_still_list_as_empty(voice, made):
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    voice.put_voice_connector_termination(
        **it, Termination={"CallingRegions": ["US"], "CidrAllowedList": ["50.35.78.96/27"], "CpsLimit": 1}
    )
    voice.put_voice_connector_termination_credentials(
        **it, Credentials=[{"Username": "test1", "Password": "test1!"}]
    )
    voice.put_voice_connector_termination_credentials(
        **it,
        Credentials=[
            {"Username": "test1", "Password": "test1!"},
            {"Username": "test2", "Password": "test2!"},
        ],
    )
    assert voice.list_voice_connector_termination_credentials(**it)["Usernames"] == ["test1", "test2"]
    voice.delete_voice_connector_termination_credentials(**it, Usernames=["test1", "test2"])
    assert voice.list_voice_connector_termination_credentials(**it)["Usernames"] == []
    voice.delete_voice_connector(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.list_voice_connector_termination_credentials(**it)


def test_the_caller_identity_is_the_account(server):
    import boto3

    known = server.credentials
    sts = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=server.endpoint,
        aws_access_key_id=known["aws_access_key_id"],
        aws_secret_access_key=known["aws_secret_access_key"],
    )
    identity = sts.get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"].startswith("arn:aws:iam::000000000000:")
