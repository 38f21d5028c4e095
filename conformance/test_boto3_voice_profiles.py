"""Voice profile domains, voice profiles and voice analysis tasks, by unmodified boto3."""

import json

import pytest

from sip_wire import Caller, contact, to_tag

KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
INSIGHTS = "arn:aws:chime:us-east-1:000000000000:media-insights-pipeline-configuration/voices"
ABSENT = "00000000-0000-4000-8000-000000000000"
OWNED, ECHO = "+12065550172", "+12065550100"


def create(voice, **members):
    encryption = {"KmsKeyArn": KEY}
    members = {"Name": "domain", "ServerSideEncryptionConfiguration": encryption} | members
    return voice.create_voice_profile_domain(**members)["VoiceProfileDomain"]


@pytest.fixture
def domain(voice):
    return create(voice)


@pytest.fixture
def call(server, voice, connector):
    """A call in progress, as the operator sees it, and what ends it."""
    server.run("number", "add", OWNED, "--account", "000000000000", check=False)
    with Caller(server, connector["OutboundHostName"], OWNED, ECHO) as caller:
        caller.send("INVITE", body=caller.sdp())
        status, text = caller.final()
        caller.acknowledge(text, uri=contact(text) if status == 200 else None)
        assert status == 200, text

        def listed():
            told = server.run("calls", "--connector", connector["VoiceConnectorId"], "--output", "json")
            return json.loads(told.stdout)["calls"]

        def hang_up():
            caller.send("BYE", uri=contact(text), to_tag=to_tag(text))
            assert caller.final()[0] == 200
            while listed()[0]["state"] in ("ringing", "answered"):
                pass

        [live] = listed()
        yield live["transaction_id"], hang_up


def test_terraform_precheck_lists_domains_without_parameters(voice):
    assert "VoiceProfileDomains" in voice.list_voice_profile_domains()


def test_terraform_domain_basic_update_and_disappears(voice):
    made = create(voice, Name="tf-domain")
    it = {"VoiceProfileDomainId": made["VoiceProfileDomainId"]}
    assert made["VoiceProfileDomainArn"] == (
        f"arn:aws:chime:us-east-1:000000000000:voice-profile-domain/{made['VoiceProfileDomainId']}"
    )
    assert made["ServerSideEncryptionConfiguration"] == {"KmsKeyArn": KEY}
    assert voice.get_voice_profile_domain(**it)["VoiceProfileDomain"] == made

    voice.update_voice_profile_domain(**it, Name="renamed", Description="for the office")
    read = voice.get_voice_profile_domain(**it)["VoiceProfileDomain"]
    assert (read["Name"], read["Description"]) == ("renamed", "for the office")
    assert read["VoiceProfileDomainId"] == made["VoiceProfileDomainId"]
    summaries = voice.list_voice_profile_domains(MaxResults=100)["VoiceProfileDomains"]
    [summary] = [one for one in summaries if one["VoiceProfileDomainId"] == it["VoiceProfileDomainId"]]
    assert summary["Name"] == "renamed" and "ServerSideEncryptionConfiguration" not in summary

    answer = voice.delete_voice_profile_domain(**it)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_profile_domain(**it)


def test_terraform_domain_tags(voice):
    arn = create(voice, Tags=[{"Key": "k1", "Value": "v"}])["VoiceProfileDomainArn"]
    voice.tag_resource(
        ResourceARN=arn, Tags=[{"Key": "k1", "Value": "k1u"}, {"Key": "k2", "Value": "value3"}]
    )
    read = voice.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert read == [{"Key": "k1", "Value": "k1u"}, {"Key": "k2", "Value": "value3"}]


def test_a_token_makes_one_domain(voice):
    first = create(voice, ClientRequestToken="token-1")
    assert create(voice, ClientRequestToken="token-1") == first
    with pytest.raises(voice.exceptions.ConflictException):
        create(voice, ClientRequestToken="token-1", Name="another")


def test_profiles_are_made_from_searches_alone(voice, domain):
    it = {"VoiceProfileDomainId": domain["VoiceProfileDomainId"]}
    assert voice.list_voice_profiles(**it)["VoiceProfiles"] == []
    with pytest.raises(voice.exceptions.NotFoundException, match="SpeakerSearchTask"):
        voice.create_voice_profile(SpeakerSearchTaskId=ABSENT)
    for call in [
        lambda id: voice.get_voice_profile(VoiceProfileId=id),
        lambda id: voice.update_voice_profile(VoiceProfileId=id, SpeakerSearchTaskId=ABSENT),
        lambda id: voice.delete_voice_profile(VoiceProfileId=id),
        lambda id: voice.list_voice_profiles(VoiceProfileDomainId=id),
    ]:
        with pytest.raises(voice.exceptions.NotFoundException):
            call(f"vp-{ABSENT}")


def starts(voice, connector, domain, transaction):
    """Both kinds of tasks on one call."""
    it = {"VoiceConnectorId": connector["VoiceConnectorId"], "TransactionId": transaction}
    return [
        lambda: voice.start_speaker_search_task(
            **it, VoiceProfileDomainId=domain["VoiceProfileDomainId"], CallLeg="Caller"
        ),
        lambda: voice.start_voice_tone_analysis_task(**it, LanguageCode="en-US"),
    ]


def test_no_task_starts_on_a_call_that_never_was(voice, connector, domain):
    for start in starts(voice, connector, domain, ABSENT):
        with pytest.raises(voice.exceptions.NotFoundException, match=ABSENT):
            start()


def test_no_task_starts_on_a_call_that_is_not_streamed_or_has_ended(voice, connector, domain, call):
    transaction, hang_up = call
    remedy = "PutVoiceConnectorStreamingConfiguration"
    for start in starts(voice, connector, domain, transaction):
        with pytest.raises(voice.exceptions.UnprocessableEntityException, match=remedy):
            start()
    voice.put_voice_connector_streaming_configuration(
        VoiceConnectorId=connector["VoiceConnectorId"],
        StreamingConfiguration={
            "DataRetentionInHours": 0,
            "Disabled": False,
            "MediaInsightsConfiguration": {"Disabled": False, "ConfigurationArn": INSIGHTS},
        },
    )
    for start in starts(voice, connector, domain, transaction):
        with pytest.raises(voice.exceptions.UnprocessableEntityException, match="no analyser"):
            start()
    hang_up()
    for start in starts(voice, connector, domain, transaction):
        with pytest.raises(voice.exceptions.GoneException, match="has ended"):
            start()


def test_tasks_that_never_were_are_not_found(voice, connector):
    it = {"VoiceConnectorId": connector["VoiceConnectorId"]}
    for call in [
        lambda: voice.get_speaker_search_task(**it, SpeakerSearchTaskId=ABSENT),
        lambda: voice.stop_speaker_search_task(**it, SpeakerSearchTaskId=ABSENT),
        lambda: voice.get_voice_tone_analysis_task(
            **it, VoiceToneAnalysisTaskId=ABSENT, IsCaller=True
        ),
        lambda: voice.stop_voice_tone_analysis_task(**it, VoiceToneAnalysisTaskId=ABSENT),
    ]:
        with pytest.raises(voice.exceptions.NotFoundException):
            call()
