"""The 36 acceptance scenarios of the Terraform provider's resources, each as the calls it makes and what it checks.

`apply` ends with a refresh and an empty plan; `imported` is the state that an import of the id alone makes; what is
left at the end of a scenario is destroyed in the reverse order, and must then be gone.
"""

import re

import pytest

from terraform_provider import (
    GlobalSettings,
    Logging,
    Origination,
    SipMediaApplication,
    SipRule,
    Streaming,
    Termination,
    TerminationCredentials,
    VoiceConnector,
    VoiceConnectorGroup,
    VoiceProfileDomain,
    name,
)

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:ivr"
KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
INSIGHTS = "arn:aws:chime:us-east-1:000000000000:media-insights-pipeline-configuration/insights"
TCP = {"host": "200.100.12.1", "port": 5060, "protocol": "TCP", "priority": 1, "weight": 1}
UDP = {"host": "209.166.124.147", "port": 5060, "protocol": "UDP", "priority": 2, "weight": 30}


@pytest.fixture
def given(voice):
    """Applies resources, and destroys them at the end, the last first."""
    applied = []

    def given(kind, **config):
        applied.append(kind(voice, **config))
        return applied[-1].apply()

    yield given
    for resource in reversed(applied):
        resource.destroy()
    for resource in applied:
        assert resource.refresh() is None, f"{type(resource).__name__} {resource.id} is still there"


@pytest.fixture
def connector(given):
    return given(VoiceConnector, name=name("vc"), require_encryption=True)


@pytest.fixture
def here(connector):
    return {"voice_connector_id": connector.id}


def arn(kind):
    return re.compile(rf"arn:aws:chime:us-east-1:\d{{12}}:{kind}/[0-9a-z-]+")


# Voice Connectors


def test_01_connector_basic(connector):
    assert connector.state["aws_region"] == "us-east-1"
    assert connector.state["require_encryption"] is True
    assert connector.state["name"] == connector.config["name"]
    assert connector.state["outbound_host_name"].startswith(f"{connector.id}.")
    assert connector.imported()["tags"] == {}


def test_02_connector_disappears(connector):
    connector.destroy()
    assert connector.plan()


def test_03_connector_update(connector):
    before = connector.id
    connector.apply(require_encryption=False)
    assert connector.state["require_encryption"] is False
    assert connector.id == before
    connector.imported()


def test_04_connector_tags(given):
    it = given(VoiceConnector, name=name("vc"), require_encryption=False, tags={"k1": "v1"})
    assert it.state["tags"] == {"k1": "v1"}
    it.imported()
    assert it.apply(tags={"k1": "v1u", "k2": "v2"}).state["tags"] == {"k1": "v1u", "k2": "v2"}
    assert it.apply(tags={"k2": "v2"}).state["tags"] == {"k2": "v2"}


# Voice Connector groups


@pytest.fixture
def group(given, connector):
    members = [{"voice_connector_id": connector.id, "priority": 1}]
    return given(VoiceConnectorGroup, name=name("vcg"), connector=members)


def test_05_group_basic(group):
    assert group.state["name"].startswith("vcg-")
    [member] = group.state["connector"]
    assert member["priority"] == 1
    group.imported()


def test_06_group_disappears(group):
    group.destroy()
    assert group.plan()


def test_07_group_update(group, connector):
    renamed, members = name("vcg"), [{"voice_connector_id": connector.id, "priority": 10}]
    connector.apply(require_encryption=False)
    group.apply(name=renamed, connector=members)
    assert group.state == {"name": renamed, "connector": members}
    group.imported()


# Logging


@pytest.fixture
def logging(given, here):
    return given(Logging, **here, enable_sip_logs=True)


def test_08_logging_basic(logging):
    assert logging.state["enable_sip_logs"] is True
    logging.imported()


def test_09_logging_disappears(logging):
    logging.destroy()
    assert logging.plan()


def test_10_logging_update(logging):
    logging.apply(enable_sip_logs=False)
    assert logging.state["enable_sip_logs"] is False
    logging.imported()


# Origination


@pytest.fixture
def origination(given, here):
    return given(Origination, **here, route=[TCP])


def test_11_origination_basic(origination):
    [route] = origination.state["route"]
    assert (route["protocol"], route["priority"]) == ("TCP", 1)
    origination.imported()


def test_12_origination_disappears(origination):
    origination.destroy()
    assert origination.plan()


def test_13_origination_update(origination):
    origination.apply(route=[TCP, UDP])
    routes = origination.state["route"]
    assert len(routes) == 2
    assert TCP in routes and UDP in routes


# Streaming


@pytest.fixture
def streaming(given, here):
    return given(Streaming, **here, data_retention=5, streaming_notification_targets=["SQS"])


def test_14_streaming_basic(streaming):
    assert (streaming.state["data_retention"], streaming.state["disabled"]) == (5, False)
    assert streaming.state["streaming_notification_targets"] == ["SQS"]
    streaming.imported()


def test_15_streaming_disappears(streaming):
    streaming.destroy()
    assert streaming.plan()


def test_16_streaming_update(streaming):
    insights = {"Disabled": False, "ConfigurationArn": INSIGHTS}
    streaming.apply(
        data_retention=2,
        streaming_notification_targets=["SQS", "SNS"],
        media_insights_configuration=insights,
    )
    assert (streaming.state["data_retention"], streaming.state["disabled"]) == (2, False)
    assert len(streaming.state["streaming_notification_targets"]) == 2
    told = streaming.state["media_insights_configuration"]
    assert told["Disabled"] is False
    assert arn("media-insights-pipeline-configuration").fullmatch(told["ConfigurationArn"])


# Termination


@pytest.fixture
def termination(given, here):
    regions, networks = ["US", "RU"], ["50.35.78.97/32"]
    return given(Termination, **here, calling_regions=regions, cidr_allow_list=networks)


def test_17_termination_basic(termination):
    assert termination.state["cps_limit"] == 1
    assert len(termination.state["calling_regions"]) == 2
    assert len(termination.state["cidr_allow_list"]) == 1
    assert termination.state["disabled"] is False
    termination.imported()


def test_18_termination_disappears(termination):
    termination.destroy()
    assert termination.plan()


def test_19_termination_update(termination):
    termination.apply(
        calling_regions=["US", "RU", "CA"], cidr_allow_list=["100.35.78.97/32"], disabled=False
    )
    assert len(termination.state["calling_regions"]) == 3
    assert "100.35.78.97/32" in termination.state["cidr_allow_list"]
    assert termination.state["default_phone_number"] == ""
    termination.imported()


# Termination credentials


@pytest.fixture
def credentials(given, here):
    given(Termination, **here, calling_regions=["US", "RU"], cidr_allow_list=["50.35.78.96/27"])
    return given(TerminationCredentials, **here, credentials={"test1": "test1!"})


def usernames(credentials):
    answer = credentials.voice.list_voice_connector_termination_credentials(VoiceConnectorId=credentials.id)
    return answer["Usernames"]


def test_20_credentials_basic(credentials):
    assert usernames(credentials) == ["test1"]
    credentials.imported()


def test_21_credentials_disappear_and_the_plan_stays_empty(credentials):
    credentials.destroy()
    assert usernames(credentials) == []
    assert credentials.plan() == {}


def test_22_credentials_update(credentials):
    credentials.apply(credentials={"test1": "test1!", "test2": "test2!"})
    assert usernames(credentials) == ["test1", "test2"]


# Settings of the account


@pytest.fixture
def settings(given, server):
    return given(GlobalSettings, sts=server.client(service="sts"), cdr_bucket="tf-call-records")


def test_23_global_settings_basic(settings):
    assert settings.id == "000000000000"
    assert settings.state["cdr_bucket"] == "tf-call-records"
    settings.imported()


def test_24_global_settings_disappear(settings):
    settings.destroy()
    assert settings.plan()


def test_25_global_settings_update_is_seen_by_the_first_read(settings):
    settings.apply(cdr_bucket="tf-other-records")
    assert settings.state["cdr_bucket"] == "tf-other-records"


# SIP media applications


@pytest.fixture
def application(given):
    return given(SipMediaApplication, name=name("sma"), aws_region="us-east-1", lambda_arn=FUNCTION)


def test_26_application_basic(application):
    assert arn("sma").fullmatch(application.state["arn"])
    assert application.state["aws_region"] == "us-east-1"
    assert application.state["lambda_arn"] == FUNCTION
    application.imported()


def test_27_application_disappears(application):
    application.destroy()
    assert application.plan()


def test_28_application_update(application):
    renamed = name("sma")
    assert application.apply(name=renamed).state["name"] == renamed
    assert application.state["lambda_arn"] == FUNCTION
    application.imported()


def test_29_application_tags(given):
    it = given(
        SipMediaApplication,
        name=name("sma"),
        aws_region="us-east-1",
        lambda_arn=FUNCTION,
        tags={"k1": "v1"},
    )
    it.imported()
    assert it.apply(tags={"k1": "v1u", "k2": "v2"}).state["tags"] == {"k1": "v1u", "k2": "v2"}
    assert it.apply(tags={"k2": "v2"}).state["tags"] == {"k2": "v2"}


# SIP rules


@pytest.fixture
def rule(given, connector, application):
    return given(
        SipRule,
        name=name("rule"),
        trigger_type="RequestUriHostname",
        trigger_value=connector.state["outbound_host_name"],
        disabled=False,
        target_applications=[
            {"sip_media_application_id": application.id, "priority": 1, "aws_region": "us-east-1"}
        ],
    )


def test_30_rule_basic(rule, connector):
    assert rule.state["trigger_type"] == "RequestUriHostname"
    assert rule.state["trigger_value"] == connector.state["outbound_host_name"]
    [target] = rule.state["target_applications"]
    assert (target["priority"], target["aws_region"]) == (1, "us-east-1")
    assert rule.state["disabled"] is False
    rule.imported()


def test_31_rule_disappears(rule):
    rule.destroy()
    assert rule.plan()


def test_32_rule_update(rule, connector, application):
    assert rule.apply(disabled=True).state["disabled"] is True
    connector.apply(name=name("vc"))
    application.apply(name=name("sma"))
    renamed = name("rule")
    rule.apply(name=renamed)
    assert (rule.state["name"], rule.state["disabled"]) == (renamed, True)
    rule.imported()


# Voice profile domains


@pytest.fixture
def domain(given):
    return given(VoiceProfileDomain, name=name("vpd"), kms_key_arn=KEY)


def test_33_profile_domain_basic(domain):
    assert domain.state["name"] == domain.config["name"]
    assert domain.state["kms_key_arn"] == KEY
    assert arn("voice-profile-domain").fullmatch(domain.state["arn"])
    domain.imported()


def test_34_profile_domain_disappears(domain):
    domain.destroy()
    assert domain.plan()


def test_35_profile_domain_update(domain):
    before = domain.id
    domain.apply(name=name("vpd"), description="for the office")
    assert (domain.id, domain.state["description"]) == (before, "for the office")
    domain.imported()


def test_36_profile_domain_tags(given):
    it = given(VoiceProfileDomain, name=name("vpd"), kms_key_arn=KEY, tags={"k1": "value1"})
    assert it.state["tags"] == {"k1": "value1"}
    assert len(it.apply(tags={"k1": "value1u", "k2": "value2"}).state["tags"]) == 2
    assert it.apply(tags={"k2": "value3"}).state["tags"] == {"k2": "value3"}
