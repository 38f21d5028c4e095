"""What the CDK constructs for Chime SDK Voice do behind CloudFormation, call by call."""

import itertools
import re

import pytest

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:ivr"
KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
POLLS_MAX = 2_000
ROUTE = {"Host": "203.0.113.10", "Port": 5060, "Protocol": "UDP", "Priority": 1, "Weight": 1}
TERMINATION = {"CallingRegions": ["US"], "CidrAllowedList": ["203.0.113.10/32"], "CpsLimit": 1, "Disabled": False}
STREAMING = {
    "DataRetentionInHours": 0,
    "Disabled": False,
    "StreamingNotificationTargets": [{"NotificationTarget": "EventBridge"}],
}


@pytest.fixture(scope="module", autouse=True)
def inventory(server):
    server.run("number", "add", *[f"+1425555010{n}" for n in range(10)])


def polled(read, decided):
    """Reads until it is decided, as the construct polls; each read is a request, so none is waited for."""
    for answer in itertools.islice((read() for _ in itertools.count()), POLLS_MAX):
        if decided(answer):
            return answer
    pytest.fail(f"undecided after {POLLS_MAX} reads: {answer}")


def bought(voice, product="VoiceConnector"):
    """`ChimePhoneNumber`: search, order, poll."""
    [number] = voice.search_available_phone_numbers(AreaCode="425", MaxResults=1)["E164PhoneNumbers"]
    order = voice.create_phone_number_order(ProductType=product, E164PhoneNumbers=[number])
    id = order["PhoneNumberOrder"]["PhoneNumberOrderId"]
    read = lambda: voice.get_phone_number_order(PhoneNumberOrderId=id)["PhoneNumberOrder"]
    assert polled(read, lambda it: it["Status"] != "Processing")["Status"] == "Successful"
    return number


@pytest.fixture
def connector(voice):
    """`ChimeVoiceConnector`: each setting right after the creation."""
    made = voice.create_voice_connector(
        Name="cdk", AwsRegion="us-east-1", RequireEncryption=False, Tags=[{"Key": "stack", "Value": "cdk"}]
    )["VoiceConnector"]
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    voice.put_voice_connector_origination(**it, Origination={"Routes": [ROUTE], "Disabled": False})
    voice.put_voice_connector_termination(**it, Termination=TERMINATION)
    voice.put_voice_connector_streaming_configuration(**it, StreamingConfiguration=STREAMING)
    voice.put_voice_connector_logging_configuration(
        **it, LoggingConfiguration={"EnableSIPLogs": True, "EnableMediaMetricLogs": True}
    )
    return it


def removed(voice, it):
    """The construct's delete: whatever numbers the connector has are taken from it, then it goes."""
    numbers = voice.list_phone_numbers(
        FilterName="VoiceConnectorId", FilterValue=it["VoiceConnectorId"], ProductType="VoiceConnector"
    )["PhoneNumbers"]
    if numbers:
        # The ids as they came, `%2B…`, where the model wants numbers.
        answer = voice.disassociate_phone_numbers_from_voice_connector(
            **it, E164PhoneNumbers=[number["PhoneNumberId"] for number in numbers]
        )
        assert answer["PhoneNumberErrors"] == []
    voice.delete_voice_connector(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector(**it)


def test_a_connector_is_made_with_all_of_its_settings_and_removed(voice, connector):
    assert voice.get_voice_connector_origination(**connector)["Origination"]["Routes"] == [ROUTE]
    assert voice.get_voice_connector_termination(**connector)["Termination"] == TERMINATION
    read = voice.get_voice_connector_streaming_configuration(**connector)["StreamingConfiguration"]
    assert read == STREAMING
    removed(voice, connector)


def test_a_connector_is_removed_with_numbers_named_by_their_encoded_ids(voice, connector):
    numbers = [bought(voice), bought(voice)]
    for number in numbers:
        answer = voice.associate_phone_numbers_with_voice_connector(
            **connector, E164PhoneNumbers=[number], ForceAssociate=True
        )
        assert answer["PhoneNumberErrors"] == []
    with pytest.raises(voice.exceptions.ConflictException):
        voice.delete_voice_connector(**connector)
    removed(voice, connector)
    for number in numbers:
        assert voice.get_phone_number(PhoneNumberId=number)["PhoneNumber"]["Status"] == "Unassigned"


def test_a_number_is_taken_from_its_connector_and_deleted(voice, connector):
    number = bought(voice)
    voice.associate_phone_numbers_with_voice_connector(**connector, E164PhoneNumbers=[number])
    read = voice.get_phone_number(PhoneNumberId=number)["PhoneNumber"]
    assert read["Status"] == "Assigned"
    [association] = read["Associations"]
    assert association["Name"] == "VoiceConnectorId"
    voice.disassociate_phone_numbers_from_voice_connector(
        VoiceConnectorId=association["Value"], E164PhoneNumbers=[number]
    )
    voice.delete_phone_number(PhoneNumberId=read["PhoneNumberId"])
    assert voice.get_phone_number(PhoneNumberId=number)["PhoneNumber"]["Status"] == "DeleteInProgress"
    removed(voice, connector)


@pytest.fixture
def application(voice):
    """`ChimeSipMediaApp`, with its log; the Alexa part answers as the service does now."""
    made = voice.create_sip_media_application(
        Name="cdk", AwsRegion="us-east-1", Endpoints=[{"LambdaArn": FUNCTION}]
    )["SipMediaApplication"]
    it = {"SipMediaApplicationId": made["SipMediaApplicationId"]}
    voice.put_sip_media_application_logging_configuration(
        **it,
        SipMediaApplicationLoggingConfiguration={"EnableSipMediaApplicationMessageLogs": True},
    )
    return it


def disabled(voice, rule):
    read = lambda: voice.get_sip_rule(**rule)["SipRule"]
    voice.update_sip_rule(**rule, Name=read()["Name"], Disabled=True)
    return polled(read, lambda it: it["Disabled"])


def test_a_rule_for_a_fresh_number_is_tried_until_the_number_is_there(voice, application):
    [number] = voice.search_available_phone_numbers(AreaCode="425", MaxResults=1)["E164PhoneNumbers"]
    voice.create_phone_number_order(ProductType="SipMediaApplicationDialIn", E164PhoneNumbers=[number])

    def tried():
        try:
            return voice.create_sip_rule(
                Name="cdk",
                TriggerType="ToPhoneNumber",
                TriggerValue=number,
                Disabled=False,
                TargetApplications=[application | {"Priority": 1, "AwsRegion": "us-east-1"}],
            )["SipRule"]
        # The one error that the construct takes for "not yet".
        except voice.exceptions.BadRequestException:
            return None

    rule = {"SipRuleId": polled(tried, lambda it: it is not None)["SipRuleId"]}
    read = voice.get_phone_number(PhoneNumberId=number)["PhoneNumber"]
    assert (read["Status"], read["Associations"][0]["Name"]) == ("Assigned", "SipRuleId")

    # The number goes first: its rule is disabled, then it is deleted; the rule goes by itself.
    disabled(voice, rule)
    voice.delete_phone_number(PhoneNumberId=read["PhoneNumberId"])
    voice.delete_sip_rule(**rule)
    voice.delete_sip_media_application(**application)


def test_a_rule_is_disabled_polled_and_deleted_before_its_application(voice, connector, application):
    host = voice.get_voice_connector(**connector)["VoiceConnector"]["OutboundHostName"]
    assert re.match("[a-z0-9]{22}[.]", host)
    made = voice.create_sip_rule(
        Name="cdk",
        TriggerType="RequestUriHostname",
        TriggerValue=host,
        TargetApplications=[application | {"Priority": 1, "AwsRegion": "us-east-1"}],
    )["SipRule"]
    rule = {"SipRuleId": made["SipRuleId"]}
    disabled(voice, rule)
    voice.delete_sip_rule(**rule)
    voice.delete_sip_media_application(**application)
    removed(voice, connector)


def test_an_application_with_an_alexa_skill_is_told_that_these_are_gone(voice, application):
    with pytest.raises(voice.exceptions.GoneException):
        voice.put_sip_media_application_alexa_skill_configuration(
            **application,
            SipMediaApplicationAlexaSkillConfiguration={
                "AlexaSkillStatus": "ACTIVE",
                "AlexaSkillIds": ["amzn1.application-oa2-client." + "0" * 32],
            },
        )
    voice.delete_sip_media_application(**application)


def test_a_voice_profile_domain_is_made_and_removed(voice):
    made = voice.create_voice_profile_domain(
        Name="cdk", Description="cdk", ServerSideEncryptionConfiguration={"KmsKeyArn": KEY}
    )["VoiceProfileDomain"]
    it = {"VoiceProfileDomainId": made["VoiceProfileDomainId"]}
    voice.update_voice_profile_domain(**it, Name="cdk", Description="changed")
    assert voice.get_voice_profile_domain(**it)["VoiceProfileDomain"]["Description"] == "changed"
    voice.delete_voice_profile_domain(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_profile_domain(**it)
