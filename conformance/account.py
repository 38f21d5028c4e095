"""An account that has one of everything, and for each operation a request that fits it."""

import re
import time

ECHO = "+12065550100"
ABSENT = "00000000-0000-4000-8000-000000000000"
ABSENT_CONNECTOR = "0" * 22
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:ivr"
KMS_KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
INSIGHTS = "arn:aws:chime:us-east-1:000000000000:media-insights-pipeline-configuration/voices"

ASSOCIATED, SPARE, WAITING, GROUPED, POOLED, NAMED, OLD, OLDER = (f"+1206555{n}" for n in range(3100, 3108))
IN_STOCK, MORE_IN_STOCK = "+12065553110", "+12065553111"

TERMINATION = {"CpsLimit": 10, "CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]}
ORIGINATION = {"Routes": [{"Host": "198.51.100.7", "Port": 5060, "Protocol": "UDP", "Priority": 1, "Weight": 1}]}
EMERGENCY = {"DNIS": [{"EmergencyPhoneNumber": "+12065550911", "CallingCountry": "US"}]}
STREAMING = {
    "DataRetentionInHours": 1,
    "Disabled": False,
    "StreamingNotificationTargets": [{"NotificationTarget": "SQS"}],
}
ADDRESS = {
    "AwsAccountId": "000000000000",
    "StreetNumber": "410",
    "StreetInfo": "Terry Avenue North",
    "City": "Seattle",
    "State": "WA",
    "Country": "US",
    "PostalCode": "98109",
}


def connector_of(server, name="pbx", password=None, encryption=False, **termination):
    """A connector that lets the loopback call out, with the user `pbx` if there is a password."""
    voice = server.client()
    made = voice.create_voice_connector(Name=name, RequireEncryption=encryption)["VoiceConnector"]
    it = {"VoiceConnectorId": made["VoiceConnectorId"]}
    voice.put_voice_connector_termination(**it, Termination=TERMINATION | {"CpsLimit": 100} | termination)
    if password:
        credentials = [{"Username": "pbx", "Password": password}]
        voice.put_voice_connector_termination_credentials(**it, Credentials=credentials)
    return made


def call(voice, operation, members):
    """Calls an operation by its name in the model."""
    return getattr(voice, snake(operation))(**members)


def snake(operation):
    name = operation.replace("E911", "_E911_").replace("__", "_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("__", "_").lower()


class Account:
    """Made through the API, as a customer and the operator would."""

    def __init__(self, server, voice):
        self.server, self.voice = server, voice
        owned = [ASSOCIATED, SPARE, WAITING, GROUPED, POOLED, NAMED, OLD, OLDER]
        server.run("number", "add", *owned, "--account", "000000000000")
        server.run("number", "add", IN_STOCK, MORE_IN_STOCK)
        self.connector, self.host, self.connector_arn = self.make_connector("busy")
        self.empty_connector, self.empty_host, _ = self.make_connector("empty")
        self.plain_connector, _, _ = self.make_connector("plain")
        self.group = self.make_group("group", [{"VoiceConnectorId": self.connector, "Priority": 1}])
        self.empty_group = self.make_group("empty", [])
        self.configure()
        self.application, self.application_arn = self.make_application("busy")
        self.idle_application, _ = self.make_application("idle")
        self.rule = voice.create_sip_rule(**self.rule_members("rule"))["SipRule"]["SipRuleId"]
        self.domain, self.domain_arn = self.make_domain("domain")
        self.order = voice.create_phone_number_order(ProductType="VoiceConnector", E164PhoneNumbers=[MORE_IN_STOCK])[
            "PhoneNumberOrder"
        ]["PhoneNumberOrderId"]
        self.wait_for_order()
        self.session = voice.create_proxy_session(**self.session_members())["ProxySession"]["ProxySessionId"]

    def make_connector(self, name):
        made = self.voice.create_voice_connector(Name=name, RequireEncryption=False)["VoiceConnector"]
        return made["VoiceConnectorId"], made["OutboundHostName"], made["VoiceConnectorArn"]

    def make_group(self, name, items):
        made = self.voice.create_voice_connector_group(Name=name, VoiceConnectorItems=items)
        return made["VoiceConnectorGroup"]["VoiceConnectorGroupId"]

    def make_application(self, name):
        made = self.voice.create_sip_media_application(
            AwsRegion="us-east-1", Name=name, Endpoints=[{"LambdaArn": FUNCTION}]
        )["SipMediaApplication"]
        return made["SipMediaApplicationId"], made["SipMediaApplicationArn"]

    def make_domain(self, name):
        made = self.voice.create_voice_profile_domain(
            Name=name, ServerSideEncryptionConfiguration={"KmsKeyArn": KMS_KEY}
        )["VoiceProfileDomain"]
        return made["VoiceProfileDomainId"], made["VoiceProfileDomainArn"]

    def rule_members(self, name, host=None):
        return {
            "Name": name,
            "TriggerType": "RequestUriHostname",
            "TriggerValue": host or self.host,
            "Disabled": False,
            "TargetApplications": [
                {"SipMediaApplicationId": self.application, "Priority": 1, "AwsRegion": "us-east-1"}
            ],
        }

    def session_members(self):
        return {
            "VoiceConnectorId": self.connector,
            "ParticipantPhoneNumbers": ["+14015550101", "+12065550192"],
            "Capabilities": ["Voice"],
        }

    def configure(self):
        voice, it = self.voice, {"VoiceConnectorId": self.connector}
        plain = {"VoiceConnectorId": self.plain_connector}
        voice.put_voice_connector_termination(**plain, Termination=TERMINATION)
        voice.put_voice_connector_origination(**plain, Origination=ORIGINATION)
        voice.put_voice_connector_termination(**it, Termination=TERMINATION)
        voice.put_voice_connector_termination_credentials(
            **it, Credentials=[{"Username": "pbx", "Password": "correct horse battery"}]
        )
        voice.put_voice_connector_origination(**it, Origination=ORIGINATION)
        voice.put_voice_connector_streaming_configuration(**it, StreamingConfiguration=STREAMING)
        voice.put_voice_connector_emergency_calling_configuration(**it, EmergencyCallingConfiguration=EMERGENCY)
        voice.put_voice_connector_external_systems_configuration(
            **it, SessionBorderControllerTypes=["CISCO_UNIFIED_BORDER_ELEMENT"]
        )
        voice.put_voice_connector_proxy(**it, DefaultSessionExpiryMinutes=60, PhoneNumberPoolCountries=["US"])
        voice.associate_phone_numbers_with_voice_connector(**it, E164PhoneNumbers=[ASSOCIATED, POOLED])
        voice.associate_phone_numbers_with_voice_connector_group(
            VoiceConnectorGroupId=self.group, E164PhoneNumbers=[GROUPED]
        )
        voice.tag_resource(ResourceARN=self.connector_arn, Tags=[{"Key": "office", "Value": "Seattle"}])
        voice.update_global_settings(VoiceConnector={"CdrBucket": "call-records"})
        voice.delete_phone_number(PhoneNumberId=WAITING)

    def wait_for_order(self):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            read = self.voice.get_phone_number_order(PhoneNumberOrderId=self.order)["PhoneNumberOrder"]
            if read["Status"] != "Processing":
                return
        raise AssertionError("the order was never decided")

    def reads(self):
        """For each operation that changes nothing, a request that is served."""
        it = {"VoiceConnectorId": self.connector}
        task = it | {"SpeakerSearchTaskId": ABSENT}
        return {
            "GetGlobalSettings": {},
            "GetPhoneNumber": {"PhoneNumberId": ASSOCIATED},
            "GetPhoneNumberOrder": {"PhoneNumberOrderId": self.order},
            "GetPhoneNumberSettings": {},
            "GetProxySession": it | {"ProxySessionId": self.session},
            "GetSipMediaApplication": {"SipMediaApplicationId": self.application},
            "GetSipMediaApplicationAlexaSkillConfiguration": {"SipMediaApplicationId": self.application},
            "GetSipMediaApplicationLoggingConfiguration": {"SipMediaApplicationId": self.application},
            "GetSipRule": {"SipRuleId": self.rule},
            "GetSpeakerSearchTask": task,
            "GetVoiceConnector": it,
            "GetVoiceConnectorEmergencyCallingConfiguration": it,
            "GetVoiceConnectorExternalSystemsConfiguration": it,
            "GetVoiceConnectorGroup": {"VoiceConnectorGroupId": self.group},
            "GetVoiceConnectorLoggingConfiguration": it,
            "GetVoiceConnectorOrigination": it,
            "GetVoiceConnectorProxy": it,
            "GetVoiceConnectorStreamingConfiguration": it,
            "GetVoiceConnectorTermination": it,
            "GetVoiceConnectorTerminationHealth": it,
            "GetVoiceProfile": {"VoiceProfileId": f"vp-{ABSENT}"},
            "GetVoiceProfileDomain": {"VoiceProfileDomainId": self.domain},
            "GetVoiceToneAnalysisTask": it | {"VoiceToneAnalysisTaskId": ABSENT, "IsCaller": True},
            "ListAvailableVoiceConnectorRegions": {},
            "ListPhoneNumberOrders": {},
            "ListPhoneNumbers": {},
            "ListProxySessions": it,
            "ListSipMediaApplications": {},
            "ListSipRules": {},
            "ListSupportedPhoneNumberCountries": {"ProductType": "VoiceConnector"},
            "ListTagsForResource": {"ResourceARN": self.connector_arn},
            "ListVoiceConnectorGroups": {},
            "ListVoiceConnectorTerminationCredentials": it,
            "ListVoiceConnectors": {},
            "ListVoiceProfileDomains": {},
            "ListVoiceProfiles": {"VoiceProfileDomainId": self.domain},
            "SearchAvailablePhoneNumbers": {"AreaCode": "206"},
            "ValidateE911Address": ADDRESS,
        }

    def writes(self):
        """For each operation that changes something, a request that would be served, in an order that lets all be."""
        it = {"VoiceConnectorId": self.connector}
        group = {"VoiceConnectorGroupId": self.group}
        application = {"SipMediaApplicationId": self.application}
        session = it | {"ProxySessionId": self.session}
        return {
            "CreateVoiceConnector": {"Name": "one more", "RequireEncryption": True, "Tags": [{"Key": "a", "Value": "b"}]},
            "CreateVoiceConnectorGroup": {
                "Name": "one more", "VoiceConnectorItems": [{"VoiceConnectorId": self.connector, "Priority": 1}],
            },
            "CreateSipMediaApplication": {
                "AwsRegion": "us-east-1", "Name": "one more", "Endpoints": [{"LambdaArn": FUNCTION}],
            },
            "CreateVoiceProfileDomain": {
                "Name": "one more", "ServerSideEncryptionConfiguration": {"KmsKeyArn": KMS_KEY},
            },
            "CreatePhoneNumberOrder": {"ProductType": "VoiceConnector", "E164PhoneNumbers": [IN_STOCK]},
            "CreateProxySession": self.session_members() | {"ParticipantPhoneNumbers": ["+14015550103", "+12065550194"]},
            "PutVoiceConnectorTermination": it | {"Termination": TERMINATION | {"CpsLimit": 20}},
            "PutVoiceConnectorTerminationCredentials": it
            | {"Credentials": [{"Username": "pbx2", "Password": "correct horse battery"}]},
            "PutVoiceConnectorOrigination": it | {"Origination": ORIGINATION},
            "PutVoiceConnectorStreamingConfiguration": it | {"StreamingConfiguration": STREAMING | {"DataRetentionInHours": 7}},
            "PutVoiceConnectorLoggingConfiguration": it | {"LoggingConfiguration": {"EnableSIPLogs": True}},
            "PutVoiceConnectorEmergencyCallingConfiguration": it | {"EmergencyCallingConfiguration": EMERGENCY},
            "PutVoiceConnectorExternalSystemsConfiguration": it
            | {"ContactCenterSystemTypes": ["AVAYA_AURA_CONTACT_CENTER"]},
            "PutVoiceConnectorProxy": it | {"DefaultSessionExpiryMinutes": 30, "PhoneNumberPoolCountries": ["US"]},
            "PutSipMediaApplicationLoggingConfiguration": application
            | {"SipMediaApplicationLoggingConfiguration": {"EnableSipMediaApplicationMessageLogs": True}},
            "UpdateVoiceConnector": it | {"Name": "renamed", "RequireEncryption": False},
            "UpdateVoiceConnectorGroup": group
            | {"Name": "renamed", "VoiceConnectorItems": [{"VoiceConnectorId": self.connector, "Priority": 2}]},
            "UpdateSipMediaApplication": application | {"Name": "renamed"},
            "UpdateSipRule": {"SipRuleId": self.rule, "Name": "renamed", "Disabled": True},
            "UpdateVoiceProfileDomain": {"VoiceProfileDomainId": self.domain, "Name": "renamed"},
            "UpdateProxySession": session | {"Capabilities": ["Voice"], "ExpiryMinutes": 9},
            "UpdatePhoneNumber": {"PhoneNumberId": NAMED, "Name": "front desk"},
            "BatchUpdatePhoneNumber": {"UpdatePhoneNumberRequestItems": [{"PhoneNumberId": NAMED, "Name": "back desk"}]},
            "UpdatePhoneNumberSettings": {"CallingName": "Acme"},
            "UpdateGlobalSettings": {"VoiceConnector": {"CdrBucket": "other-records"}},
            "TagResource": {"ResourceARN": self.connector_arn, "Tags": [{"Key": "floor", "Value": "7"}]},
            "UntagResource": {"ResourceARN": self.connector_arn, "TagKeys": ["office"]},
            "AssociatePhoneNumbersWithVoiceConnector": it | {"E164PhoneNumbers": [SPARE]},
            "DisassociatePhoneNumbersFromVoiceConnector": it | {"E164PhoneNumbers": [ASSOCIATED]},
            "AssociatePhoneNumbersWithVoiceConnectorGroup": group | {"E164PhoneNumbers": [NAMED]},
            "DisassociatePhoneNumbersFromVoiceConnectorGroup": group | {"E164PhoneNumbers": [GROUPED]},
            "RestorePhoneNumber": {"PhoneNumberId": WAITING},
            "DeletePhoneNumber": {"PhoneNumberId": OLD},
            "BatchDeletePhoneNumber": {"PhoneNumberIds": [OLDER]},
            "DeleteProxySession": session,
            "DeleteSipRule": {"SipRuleId": self.rule},
            "CreateSipRule": self.rule_members("anew", self.empty_host),
            "DeleteSipMediaApplication": {"SipMediaApplicationId": self.idle_application},
            "DeleteVoiceProfileDomain": {"VoiceProfileDomainId": self.domain},
            "DeleteVoiceConnectorEmergencyCallingConfiguration": it,
            "DeleteVoiceConnectorExternalSystemsConfiguration": it,
            "DeleteVoiceConnectorProxy": it,
            "DeleteVoiceConnectorStreamingConfiguration": it,
            "DeleteVoiceConnectorTerminationCredentials": it | {"Usernames": ["pbx"]},
            "DeleteVoiceConnectorTermination": {"VoiceConnectorId": self.plain_connector},
            "DeleteVoiceConnectorOrigination": {"VoiceConnectorId": self.plain_connector},
            "DeleteVoiceConnectorGroup": {"VoiceConnectorGroupId": self.empty_group},
            "DeleteVoiceConnector": {"VoiceConnectorId": self.empty_connector},
        }

    def live(self):
        """What needs a call in progress or an analyser: a request that is refused for want of it."""
        it = {"VoiceConnectorId": self.connector}
        profile = {"VoiceProfileId": f"vp-{ABSENT}"}
        return {
            "CreateSipMediaApplicationCall": {
                "FromPhoneNumber": SPARE, "ToPhoneNumber": "+12065550100", "SipMediaApplicationId": self.application,
            },
            "UpdateSipMediaApplicationCall": {
                "SipMediaApplicationId": self.application, "TransactionId": ABSENT, "Arguments": {"a": "b"},
            },
            "PutSipMediaApplicationAlexaSkillConfiguration": {"SipMediaApplicationId": self.application},
            "StartSpeakerSearchTask": it | {"TransactionId": ABSENT, "VoiceProfileDomainId": self.domain},
            "StopSpeakerSearchTask": it | {"SpeakerSearchTaskId": ABSENT},
            "StartVoiceToneAnalysisTask": it | {"TransactionId": ABSENT, "LanguageCode": "en-US"},
            "StopVoiceToneAnalysisTask": it | {"VoiceToneAnalysisTaskId": ABSENT},
            "CreateVoiceProfile": {"SpeakerSearchTaskId": ABSENT},
            "UpdateVoiceProfile": profile | {"SpeakerSearchTaskId": ABSENT},
            "DeleteVoiceProfile": profile,
        }

    def requests(self):
        """A request for each of the operations."""
        return self.reads() | self.writes() | self.live()

    def state(self):
        """All that the account has, as the API tells it: connectors' settings, numbers, and the rest."""
        told = {}
        for connector in self.voice.list_voice_connectors()["VoiceConnectors"]:
            told |= self.told_of_connector({"VoiceConnectorId": connector["VoiceConnectorId"]})
        for operation, members in self.reads().items():
            told[operation] = self.answer(operation, members)
        return told

    def told_of_connector(self, it):
        return {
            (operation, it["VoiceConnectorId"]): self.answer(operation, it)
            for operation, members in self.reads().items()
            if set(members) == {"VoiceConnectorId"}
        }

    def answer(self, operation, members):
        try:
            answer = call(self.voice, operation, members)
        except self.voice.exceptions.ClientError as refused:
            return refused.response["Error"]["Code"]
        answer.pop("ResponseMetadata")
        return answer
