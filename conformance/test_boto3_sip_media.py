"""SIP media applications, SIP rules and their tags, by unmodified boto3, as Terraform and CDK drive them."""

import pytest
from botocore.exceptions import ClientError

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:ivr"
ABSENT = "00000000-0000-4000-8000-000000000000"
OWNED = "+12065550171"


def create(voice, region="us-east-1", **members):
    endpoints = [{"LambdaArn": FUNCTION.replace("us-east-1", region)}]
    members = {"AwsRegion": region, "Name": "sma", "Endpoints": endpoints} | members
    return voice.create_sip_media_application(**members)["SipMediaApplication"]


@pytest.fixture
def application(voice):
    return create(voice)


@pytest.fixture
def rule(voice, connector, application):
    answer = voice.create_sip_rule(
        Name="rule",
        TriggerType="RequestUriHostname",
        TriggerValue=connector["OutboundHostName"],
        TargetApplications=[
            {
                "SipMediaApplicationId": application["SipMediaApplicationId"],
                "Priority": 1,
                "AwsRegion": "us-east-1",
            }
        ],
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    made = answer["SipRule"]
    yield made
    try:
        voice.delete_sip_rule(SipRuleId=made["SipRuleId"])
    except voice.exceptions.NotFoundException:
        pass


def status(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def test_terraform_application_basic_disappears_and_update(voice):
    made = create(voice, Name="tf-sma")
    it = {"SipMediaApplicationId": made["SipMediaApplicationId"]}
    arn = f"arn:aws:chime:us-east-1:000000000000:sma/{made['SipMediaApplicationId']}"
    assert made["SipMediaApplicationArn"] == arn
    assert (made["Name"], made["AwsRegion"]) == ("tf-sma", "us-east-1")
    assert made["Endpoints"] == [{"LambdaArn": FUNCTION}]
    assert voice.get_sip_media_application(**it)["SipMediaApplication"] == made
    assert voice.list_tags_for_resource(ResourceARN=arn)["Tags"] == []

    answer = voice.update_sip_media_application(**it, Name="renamed", Endpoints=made["Endpoints"])
    assert status(answer) == 200
    read = voice.get_sip_media_application(**it)["SipMediaApplication"]
    assert (read["Name"], read["SipMediaApplicationArn"]) == ("renamed", arn)

    assert status(voice.delete_sip_media_application(**it)) == 204
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_sip_media_application(**it)


def test_terraform_application_tags(voice):
    arn = create(voice, Tags=[{"Key": "k1", "Value": "v1"}])["SipMediaApplicationArn"]
    assert voice.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k1", "Value": "v1"}]
    voice.tag_resource(
        ResourceARN=arn, Tags=[{"Key": "k1", "Value": "v1u"}, {"Key": "k2", "Value": "v2"}]
    )
    assert len(voice.list_tags_for_resource(ResourceARN=arn)["Tags"]) == 2
    voice.untag_resource(ResourceARN=arn, TagKeys=["k1"])
    assert voice.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k2", "Value": "v2"}]


def test_a_function_of_another_region_is_refused(voice):
    with pytest.raises(voice.exceptions.BadRequestException, match="us-west-2"):
        create(voice, Endpoints=[{"LambdaArn": FUNCTION.replace("us-east-1", "us-west-2")}])


def test_terraform_rule_basic(voice, connector, application, rule):
    assert rule["TriggerType"] == "RequestUriHostname"
    assert rule["TriggerValue"] == connector["OutboundHostName"]
    assert rule["Disabled"] is False
    [target] = rule["TargetApplications"]
    assert (target["Priority"], target["AwsRegion"]) == (1, "us-east-1")
    assert voice.get_sip_rule(SipRuleId=rule["SipRuleId"])["SipRule"] == rule
    listed = voice.list_sip_rules(SipMediaApplicationId=application["SipMediaApplicationId"])
    assert listed["SipRules"] == [rule]


def test_terraform_rule_update_disables_and_then_renames_alone(voice, rule):
    it = {"SipRuleId": rule["SipRuleId"]}
    answer = voice.update_sip_rule(**it, Name="rule", Disabled=True)
    assert status(answer) == 202 and answer["SipRule"]["Disabled"] is True
    voice.update_sip_rule(**it, Name="renamed")
    read = voice.get_sip_rule(**it)["SipRule"]
    assert (read["Name"], read["Disabled"]) == ("renamed", True)
    for member in ["TriggerType", "TriggerValue", "TargetApplications", "CreatedTimestamp"]:
        assert read[member] == rule[member]


def test_terraform_deletes_a_rule_while_it_is_enabled(voice, rule):
    it = {"SipRuleId": rule["SipRuleId"]}
    assert status(voice.delete_sip_rule(**it)) == 204
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_sip_rule(**it)


def test_cdk_disables_a_rule_polls_it_and_deletes_it(voice, application, rule):
    it = {"SipRuleId": rule["SipRuleId"]}
    with pytest.raises(voice.exceptions.ConflictException, match=rule["SipRuleId"]):
        voice.delete_sip_media_application(SipMediaApplicationId=application["SipMediaApplicationId"])
    voice.update_sip_rule(**it, Name=rule["Name"], Disabled=True)
    assert voice.get_sip_rule(**it)["SipRule"]["Disabled"] is True
    voice.delete_sip_rule(**it)
    voice.delete_sip_media_application(SipMediaApplicationId=application["SipMediaApplicationId"])


def test_one_target_for_each_region_and_one_rule_for_each_trigger(voice, connector, application, rule):
    def draft(*applications):
        targets = [{"SipMediaApplicationId": it, "Priority": 1} for it in applications]
        return voice.create_sip_rule(
            Name="x",
            TriggerType="RequestUriHostname",
            TriggerValue=connector["OutboundHostName"],
            TargetApplications=targets,
        )

    east = application["SipMediaApplicationId"]
    with pytest.raises(voice.exceptions.ConflictException, match=rule["SipRuleId"]):
        draft(east)
    with pytest.raises(voice.exceptions.BadRequestException, match="each region"):
        draft(east, create(voice)["SipMediaApplicationId"])
    with pytest.raises(voice.exceptions.BadRequestException, match=ABSENT):
        draft(ABSENT)


def test_a_rule_for_a_number_wants_a_number_of_ones_own(voice, application):
    with pytest.raises(voice.exceptions.BadRequestException, match="ListPhoneNumbers"):
        voice.create_sip_rule(
            Name="x",
            TriggerType="ToPhoneNumber",
            TriggerValue="+12065550199",
            TargetApplications=[
                {"SipMediaApplicationId": application["SipMediaApplicationId"], "Priority": 1}
            ],
        )


def test_an_enabled_rule_holds_its_number(server, voice, application):
    number = "+12065550173"
    server.run("number", "add", number, "--account", "000000000000")
    draft = {
        "Name": "to-number",
        "TriggerType": "ToPhoneNumber",
        "TriggerValue": number,
        "TargetApplications": [
            {"SipMediaApplicationId": application["SipMediaApplicationId"], "Priority": 1}
        ],
    }
    with pytest.raises(voice.exceptions.BadRequestException, match="UpdatePhoneNumber"):
        voice.create_sip_rule(**draft)
    voice.update_phone_number(PhoneNumberId=number, ProductType="SipMediaApplicationDialIn")
    it = {"SipRuleId": voice.create_sip_rule(**draft)["SipRule"]["SipRuleId"]}
    read = voice.get_phone_number(PhoneNumberId=number)["PhoneNumber"]
    told = [(one["Name"], one["Value"]) for one in read["Associations"]]
    assert told == [("SipRuleId", it["SipRuleId"])]
    with pytest.raises(ClientError, match=it["SipRuleId"]):
        voice.delete_phone_number(PhoneNumberId=number)

    voice.update_sip_rule(**it, Name="to-number", Disabled=True)
    voice.delete_phone_number(PhoneNumberId=number)
    with pytest.raises(voice.exceptions.BadRequestException, match="ListPhoneNumbers"):
        voice.update_sip_rule(**it, Name="to-number", Disabled=False)
    voice.delete_sip_rule(**it)


def test_paginators_walk_applications_and_rules(voice, rule):
    for _ in range(3):
        create(voice)
    pages = voice.get_paginator("list_sip_media_applications").paginate(
        PaginationConfig={"PageSize": 1}
    )
    ids = [it["SipMediaApplicationId"] for page in pages for it in page["SipMediaApplications"]]
    assert len(ids) == len(set(ids)) >= 4
    assert ids == sorted(ids)
    everything = voice.list_sip_media_applications(MaxResults=100)["SipMediaApplications"]
    assert [it["SipMediaApplicationId"] for it in everything] == ids
    pages = voice.get_paginator("list_sip_rules").paginate(PaginationConfig={"PageSize": 1})
    assert rule["SipRuleId"] in [it["SipRuleId"] for page in pages for it in page["SipRules"]]


def test_logging_is_off_until_it_is_put(voice, application):
    it = {"SipMediaApplicationId": application["SipMediaApplicationId"]}
    member = "SipMediaApplicationLoggingConfiguration"
    read = voice.get_sip_media_application_logging_configuration(**it)
    assert read[member] == {"EnableSipMediaApplicationMessageLogs": False}
    wanted = {member: {"EnableSipMediaApplicationMessageLogs": True}}
    voice.put_sip_media_application_logging_configuration(**it, **wanted)
    assert voice.get_sip_media_application_logging_configuration(**it)[member] == wanted[member]


def test_alexa_skills_are_gone(voice, application):
    it = {"SipMediaApplicationId": application["SipMediaApplicationId"]}
    with pytest.raises(voice.exceptions.GoneException):
        voice.get_sip_media_application_alexa_skill_configuration(**it)
    with pytest.raises(voice.exceptions.GoneException):
        voice.put_sip_media_application_alexa_skill_configuration(
            **it,
            SipMediaApplicationAlexaSkillConfiguration={
                "AlexaSkillStatus": "ACTIVE",
                "AlexaSkillIds": ["amzn1.application-oa2-client." + "0" * 32],
            },
        )


def test_calls_are_checked_and_then_unavailable(server, voice, application):
    it = {"SipMediaApplicationId": application["SipMediaApplicationId"]}
    call = {"FromPhoneNumber": OWNED, "ToPhoneNumber": "+12065550100"}
    with pytest.raises(voice.exceptions.BadRequestException, match="FromPhoneNumber"):
        voice.create_sip_media_application_call(**it, **call)
    server.run("number", "add", OWNED, "--account", "000000000000")
    with pytest.raises(voice.exceptions.BadRequestException, match="X-Amzn-Id"):
        voice.create_sip_media_application_call(**it, **call, SipHeaders={"X-Amzn-Id": "1"})
    with pytest.raises(voice.exceptions.ServiceUnavailableException, match="no engine"):
        voice.create_sip_media_application_call(**it, **call, SipHeaders={"X-Id": "1"})
    with pytest.raises(voice.exceptions.ServiceUnavailableException, match="no engine"):
        voice.update_sip_media_application_call(**it, TransactionId=ABSENT, Arguments={"a": "b"})
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.update_sip_media_application_call(
            SipMediaApplicationId=ABSENT, TransactionId=ABSENT, Arguments={}
        )


@pytest.mark.parametrize(
    "arn, error",
    [
        (f"arn:aws:chime:us-east-1:000000000000:sma/{ABSENT}", "NotFoundException"),
        (f"arn:aws:chime:us-east-1:111122223333:sma/{ABSENT}", "NotFoundException"),
        ("arn:aws:chime:us-east-1:000000000000:phone-number/1", "BadRequestException"),
        ("arn:aws:s3:::bucket", "BadRequestException"),
    ],
)
def test_tags_of_what_is_absent_foreign_or_cannot_have_any(voice, arn, error):
    with pytest.raises(ClientError) as refused:
        voice.list_tags_for_resource(ResourceARN=arn)
    assert refused.value.response["Error"]["Code"] == error
