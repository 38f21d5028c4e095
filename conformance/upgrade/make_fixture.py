"""Makes the data directory that `test_upgrade.py` opens, with the build that TRUNKLINE_BIN names.

    TRUNKLINE_BIN=path/to/an/earlier/trunkline python conformance/upgrade/make_fixture.py RELEASE

Run it with the build of a release when that is made, and commit what it writes to `conformance/upgrade/RELEASE/`:

- `trunkline.db`: some of everything, made through that build's API;
- `seal.key.test-only`, `credentials.test-only`: the key that sealed it and an access key in it. They guard nothing else;
- `answers.json`: what that build answered when it was asked for each of those resources.

What is committed is never made anew: its worth is that an earlier build made it.
"""

import json
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from trunkline_server import Server  # noqa: E402

ACCOUNT = "000000000000"
NUMBERS = [f"+1206555015{n}" for n in range(6)]
FREE = [f"+1253555010{n}" for n in range(4)]
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:ivr"
KMS = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
STREAM = "arn:aws:kinesisvideo:us-east-1:000000000000:stream/streams/1"
INSIGHTS = "arn:aws:chime:us-east-1:000000000000:media-insights-pipeline-configuration/voices"


def settle(voice, order):
    while order["Status"] == "Processing":
        order = voice.get_phone_number_order(PhoneNumberOrderId=order["PhoneNumberOrderId"])["PhoneNumberOrder"]
    return order


def connectors(voice, questions):
    """A connector with everything that one can have, and a plain one."""
    full = voice.create_voice_connector(
        Name="full", RequireEncryption=False, Tags=[{"Key": "team", "Value": "voice"}]
    )["VoiceConnector"]
    plain = voice.create_voice_connector(Name="plain", RequireEncryption=True, AwsRegion="us-west-2")["VoiceConnector"]
    it = {"VoiceConnectorId": full["VoiceConnectorId"]}
    voice.put_voice_connector_termination(
        **it,
        Termination={
            "CpsLimit": 10,
            "DefaultPhoneNumber": NUMBERS[0],
            "CallingRegions": ["US", "CA"],
            "CidrAllowedList": ["127.0.0.1/32", "203.0.113.0/28"],
        },
    )
    voice.put_voice_connector_termination_credentials(
        **it,
        Credentials=[
            {"Username": "pbx", "Password": "correct horse"},
            {"Username": "lobby", "Password": "battery staple"},
        ],
    )
    voice.put_voice_connector_origination(
        **it,
        Origination={
            "Routes": [
                {"Host": "pbx.example.net", "Port": 5060, "Protocol": "UDP", "Priority": 1, "Weight": 5},
                {"Host": "203.0.113.9", "Port": 5061, "Protocol": "TCP", "Priority": 2, "Weight": 1},
            ],
            "Disabled": False,
        },
    )
    voice.put_voice_connector_streaming_configuration(
        **it,
        StreamingConfiguration={
            "DataRetentionInHours": 24,
            "Disabled": False,
            "StreamingNotificationTargets": [{"NotificationTarget": "EventBridge"}],
        },
    )
    voice.put_voice_connector_logging_configuration(
        **it, LoggingConfiguration={"EnableSIPLogs": True, "EnableMediaMetricLogs": False}
    )
    voice.put_voice_connector_emergency_calling_configuration(
        **it,
        EmergencyCallingConfiguration={
            "DNIS": [{"EmergencyPhoneNumber": "911", "TestPhoneNumber": NUMBERS[0], "CallingCountry": "US"}]
        },
    )
    voice.put_voice_connector_proxy(**it, DefaultSessionExpiryMinutes=60, PhoneNumberPoolCountries=["US"])
    questions += [("list_voice_connectors", {}), ("list_tags_for_resource", {"ResourceARN": full["VoiceConnectorArn"]})]
    questions += [("get_voice_connector", {"VoiceConnectorId": plain["VoiceConnectorId"]})]
    for name in [
        "get_voice_connector",
        "get_voice_connector_termination",
        "list_voice_connector_termination_credentials",
        "get_voice_connector_origination",
        "get_voice_connector_streaming_configuration",
        "get_voice_connector_logging_configuration",
        "get_voice_connector_emergency_calling_configuration",
        "get_voice_connector_proxy",
    ]:
        questions.append((name, it))
    return full, plain


def numbers(server, voice, questions, full, plain):
    server.run("number", "add", *NUMBERS, "--account", ACCOUNT)
    server.run("number", "add", *FREE)
    order = settle(
        voice,
        voice.create_phone_number_order(ProductType="VoiceConnector", E164PhoneNumbers=FREE[:2])["PhoneNumberOrder"],
    )
    voice.update_phone_number_settings(CallingName="Switchboard")
    voice.update_phone_number(PhoneNumberId=NUMBERS[1], Name="front desk")
    voice.update_phone_number(PhoneNumberId=NUMBERS[2], CallingName="Front Desk")
    voice.delete_phone_number(PhoneNumberId=NUMBERS[5])
    group = voice.create_voice_connector_group(
        Name="group", VoiceConnectorItems=[{"VoiceConnectorId": full["VoiceConnectorId"], "Priority": 1}]
    )["VoiceConnectorGroup"]
    voice.associate_phone_numbers_with_voice_connector(
        VoiceConnectorId=full["VoiceConnectorId"], E164PhoneNumbers=NUMBERS[1:3]
    )
    voice.associate_phone_numbers_with_voice_connector_group(
        VoiceConnectorGroupId=group["VoiceConnectorGroupId"], E164PhoneNumbers=NUMBERS[3:4]
    )
    session = voice.create_proxy_session(
        VoiceConnectorId=full["VoiceConnectorId"],
        ParticipantPhoneNumbers=["+14015550101", "+12065550192"],
        Capabilities=["Voice"],
    )["ProxySession"]
    # One that is open would end some day, and answer otherwise.
    voice.delete_proxy_session(
        VoiceConnectorId=full["VoiceConnectorId"], ProxySessionId=session["ProxySessionId"]
    )
    questions += [
        ("list_voice_connector_groups", {}),
        ("get_voice_connector_group", {"VoiceConnectorGroupId": group["VoiceConnectorGroupId"]}),
        ("list_phone_numbers", {"Status": "Assigned"}),
        ("list_phone_number_orders", {}),
        ("get_phone_number_order", {"PhoneNumberOrderId": order["PhoneNumberOrderId"]}),
        ("get_phone_number_settings", {}),
        ("search_available_phone_numbers", {"AreaCode": "253"}),
        (
            "get_proxy_session",
            {"VoiceConnectorId": full["VoiceConnectorId"], "ProxySessionId": session["ProxySessionId"]},
        ),
    ]
    questions += [("get_phone_number", {"PhoneNumberId": number}) for number in NUMBERS[:4]]


def applications(voice, questions, full):
    made = voice.create_sip_media_application(AwsRegion="us-east-1", Name="ivr", Endpoints=[{"LambdaArn": FUNCTION}])
    application = made["SipMediaApplication"]["SipMediaApplicationId"]
    rule = voice.create_sip_rule(
        Name="rule",
        TriggerType="RequestUriHostname",
        TriggerValue=full["OutboundHostName"],
        TargetApplications=[{"SipMediaApplicationId": application, "Priority": 1, "AwsRegion": "us-east-1"}],
    )["SipRule"]
    domain = voice.create_voice_profile_domain(
        Name="domain", ServerSideEncryptionConfiguration={"KmsKeyArn": KMS}
    )["VoiceProfileDomain"]
    voice.update_global_settings(VoiceConnector={"CdrBucket": "records"})
    questions += [
        ("get_sip_media_application", {"SipMediaApplicationId": application}),
        ("get_sip_rule", {"SipRuleId": rule["SipRuleId"]}),
        ("list_sip_rules", {}),
        ("get_voice_profile_domain", {"VoiceProfileDomainId": domain["VoiceProfileDomainId"]}),
        ("get_global_settings", {}),
    ]


def ask(voice, name, members):
    """An answer as JSON has it, without what is another one each time."""
    answer = getattr(voice, name)(**members)
    answer.pop("ResponseMetadata")
    return json.loads(json.dumps(answer, default=str))


def main():
    release = sys.argv[1]
    into = HERE / release
    with tempfile.TemporaryDirectory() as home:
        questions = []
        with Server(home) as server:
            voice = server.client()
            full, plain = connectors(voice, questions)
            numbers(server, voice, questions, full, plain)
            applications(voice, questions, full)
            server.run("carrier", "add", "upstream", "--host", "127.0.0.1", "--port", "5999", "--source", "198.51.100.0/28")
            (pathlib.Path(home) / "pw").write_text("correct horse\n")
            call = ["call", "--from", NUMBERS[0], "--to", "+12065550100", "--username", "pbx", "--seconds", "1"]
            call += ["--connector", full["VoiceConnectorId"], "--password-file", str(pathlib.Path(home) / "pw")]
            # With a real carrier added the simulated one rests, so the call fails; its record is what is wanted.
            server.run(*call, check=False)
            answers = [[name, members, ask(voice, name, members)] for name, members in questions]
            other = json.loads(
                server.run("key", "create", "--account", "111122223333", "--policy", "read-only", "--output", "json").stdout
            )
            calls = json.loads(server.run("calls", "--output", "json").stdout)["calls"]
        document = {
            "answers": answers,
            "connector": full["VoiceConnectorId"],
            "host": full["OutboundHostName"],
            "owned": NUMBERS[0],
            "sip_user": {"username": "pbx", "password_test_only": "correct horse"},
            "read_only_key_test_only": {
                "id": other["access_key_id"],
                "secret": other["secret_access_key"],
            },
            "calls": [it["transaction_id"] for it in calls],
        }
        into.mkdir()
        (into / "answers.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
        data = pathlib.Path(home) / "data"
        shutil.copy(data / "trunkline.db", into / "trunkline.db")
        shutil.copy(data / "seal.key", into / "seal.key.test-only")
        shutil.copy(data / "credentials", into / "credentials.test-only")


if __name__ == "__main__":
    main()
