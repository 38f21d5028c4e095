"""The eleven resources of the Terraform provider, as the API calls that each of them makes.

Written from what the provider sends: which call it makes for create, read, update and delete, which members it leaves
out, and what it makes of an answer. Its own retries and waits are left out, so a server that needs them fails here.
"""

import contextlib
import itertools
import json

NAMES = itertools.count(1)


def name(prefix):
    """A name that no other test uses, as the provider's random ones."""
    return f"{prefix}-{next(NAMES)}"


def without_empty(**members):
    """The members that are set: the provider leaves out what its configuration does not have."""
    return {key: value for key, value in members.items() if value not in (None, "", [], False)}


class Resource:
    """One resource: `config` is what the user wrote, `state` what was read last, `id` what import takes."""

    # Attributes that are never read back, and so never differ.
    write_only = frozenset()

    def __init__(self, voice, **config):
        self.voice, self.config, self.id, self.state = voice, config, None, None

    def apply(self, **changes):
        """Creates the resource or updates it in place, reads it, and wants an empty plan, as `terraform apply` does."""
        before, self.config = self.config, self.config | changes
        if self.id is None:
            self.id = self.create()
        else:
            self.update({key for key in self.config if before.get(key) != self.config[key]})
        self.refresh()
        assert self.plan() == {}, self.plan()
        return self

    def refresh(self):
        """Reads the resource. Only a NotFoundException says that it is gone."""
        try:
            self.state = self.read(self.id)
        except self.voice.exceptions.NotFoundException:
            self.state = None
        return self.state

    def plan(self):
        """What the next apply would change: each attribute as (is, wanted); everything when the resource is gone."""
        if self.refresh() is None:
            return {"": (None, self.config)}
        return {
            key: (self.state.get(key), wanted)
            for key, wanted in self.config.items()
            if key not in self.write_only and not same(self.state.get(key), wanted)
        }

    def imported(self):
        """The state that `terraform import` makes of the id alone; it must be the state that there is."""
        fresh = type(self)(self.voice)
        fresh.id = self.id
        assert fresh.refresh() == self.state
        return fresh.state

    def destroy(self):
        """Deletes the resource; one that is gone already is deleted."""
        with contextlib.suppress(self.voice.exceptions.NotFoundException):
            self.delete()


def same(there, wanted):
    """Whether two values are one to Terraform: blocks and lists of words are sets, and an absent one is empty."""
    if isinstance(wanted, list):
        return canonical(there or []) == canonical(wanted)
    return (there or None) == (wanted or None)


def canonical(blocks):
    return sorted(json.dumps(it, sort_keys=True) for it in blocks)


class Tagged(Resource):
    """A resource with tags: removed ones are untagged first, then changed and new ones are tagged."""

    def tags(self, arn):
        answer = self.voice.list_tags_for_resource(ResourceARN=arn)
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

    def given_tags(self):
        return [{"Key": key, "Value": value} for key, value in self.config.get("tags", {}).items()]

    def update_tags(self):
        was, wanted = self.state["tags"], self.config.get("tags", {})
        removed = [key for key in was if key not in wanted]
        set_anew = [{"Key": key, "Value": value} for key, value in wanted.items() if was.get(key) != value]
        if removed:
            self.voice.untag_resource(ResourceARN=self.state["arn"], TagKeys=removed)
        if set_anew:
            self.voice.tag_resource(ResourceARN=self.state["arn"], Tags=set_anew)


class VoiceConnector(Tagged):
    def create(self):
        made = self.voice.create_voice_connector(
            Name=self.config["name"],
            RequireEncryption=self.config["require_encryption"],
            AwsRegion=self.config.get("aws_region", "us-east-1"),
            **without_empty(Tags=self.given_tags()),
        )
        return made["VoiceConnector"]["VoiceConnectorId"]

    def read(self, id):
        it = self.voice.get_voice_connector(VoiceConnectorId=id)["VoiceConnector"]
        return {
            "name": it["Name"],
            "require_encryption": it["RequireEncryption"],
            "aws_region": it["AwsRegion"],
            "outbound_host_name": it["OutboundHostName"],
            "arn": it["VoiceConnectorArn"],
            "tags": self.tags(it["VoiceConnectorArn"]),
        }

    def update(self, changed):
        if changed & {"name", "require_encryption"}:
            self.voice.update_voice_connector(
                VoiceConnectorId=self.id,
                Name=self.config["name"],
                RequireEncryption=self.config["require_encryption"],
            )
        if "tags" in changed:
            self.update_tags()

    def delete(self):
        self.voice.delete_voice_connector(VoiceConnectorId=self.id)


class VoiceConnectorGroup(Resource):
    def items(self):
        return [
            {"VoiceConnectorId": it["voice_connector_id"], "Priority": it["priority"]}
            for it in self.config.get("connector", [])
        ]

    def create(self):
        made = self.voice.create_voice_connector_group(
            Name=self.config["name"], **without_empty(VoiceConnectorItems=self.items())
        )
        return made["VoiceConnectorGroup"]["VoiceConnectorGroupId"]

    def read(self, id):
        it = self.voice.get_voice_connector_group(VoiceConnectorGroupId=id)["VoiceConnectorGroup"]
        return {
            "name": it["Name"],
            "connector": [
                {"voice_connector_id": one["VoiceConnectorId"], "priority": one["Priority"]}
                for one in it["VoiceConnectorItems"]
            ],
        }

    def update(self, changed):
        # A change of the name alone sends an empty list: a fault of the provider that the API follows.
        items = self.items() if "connector" in changed else []
        self.voice.update_voice_connector_group(
            VoiceConnectorGroupId=self.id, Name=self.config["name"], VoiceConnectorItems=items
        )

    def delete(self):
        if self.config.get("connector"):
            self.voice.update_voice_connector_group(
                VoiceConnectorGroupId=self.id, Name=self.config["name"], VoiceConnectorItems=[]
            )
        self.voice.delete_voice_connector_group(VoiceConnectorGroupId=self.id)


class OfConnector(Resource):
    """A setting of a connector; its id is the connector's."""

    def create(self):
        self.id = self.config["voice_connector_id"]
        self.put()
        return self.id

    def update(self, _changed):
        self.put()

    def here(self):
        return {"VoiceConnectorId": self.id}


class Logging(OfConnector):
    def put(self, **off):
        config = off or self.config
        self.voice.put_voice_connector_logging_configuration(
            **self.here(),
            LoggingConfiguration={
                "EnableSIPLogs": config.get("enable_sip_logs", False),
                "EnableMediaMetricLogs": config.get("enable_media_metric_logs", False),
            },
        )

    def read(self, id):
        answer = self.voice.get_voice_connector_logging_configuration(VoiceConnectorId=id)
        it = answer["LoggingConfiguration"]
        return {
            "voice_connector_id": id,
            "enable_sip_logs": it["EnableSIPLogs"],
            "enable_media_metric_logs": it["EnableMediaMetricLogs"],
        }

    def delete(self):
        self.put(enable_sip_logs=False, enable_media_metric_logs=False)


class Origination(OfConnector):
    def put(self):
        routes = [
            {
                "Host": it["host"],
                "Port": it.get("port", 5060),
                "Protocol": it["protocol"],
                "Priority": it["priority"],
                "Weight": it["weight"],
            }
            for it in self.config["route"]
        ]
        self.voice.put_voice_connector_origination(
            **self.here(),
            Origination={"Routes": routes} | without_empty(Disabled=self.config.get("disabled")),
        )

    def read(self, id):
        it = self.voice.get_voice_connector_origination(VoiceConnectorId=id)["Origination"]
        return {
            "voice_connector_id": id,
            "disabled": it["Disabled"],
            "route": [{key.lower(): value for key, value in route.items()} for route in it["Routes"]],
        }

    def delete(self):
        self.voice.delete_voice_connector_origination(**self.here())


class Streaming(OfConnector):
    def put(self):
        targets = [{"NotificationTarget": it} for it in self.config.get("streaming_notification_targets", [])]
        insights = self.config.get("media_insights_configuration")
        self.voice.put_voice_connector_streaming_configuration(
            **self.here(),
            StreamingConfiguration={
                "DataRetentionInHours": self.config["data_retention"],
                "Disabled": self.config.get("disabled", False),
            }
            | without_empty(StreamingNotificationTargets=targets)
            | ({"MediaInsightsConfiguration": insights} if insights else {}),
        )

    def read(self, id):
        answer = self.voice.get_voice_connector_streaming_configuration(VoiceConnectorId=id)
        it = answer["StreamingConfiguration"]
        targets = it.get("StreamingNotificationTargets", [])
        return {
            "voice_connector_id": id,
            "data_retention": it["DataRetentionInHours"],
            "disabled": it["Disabled"],
            "streaming_notification_targets": [one["NotificationTarget"] for one in targets],
            "media_insights_configuration": it.get("MediaInsightsConfiguration"),
        }

    def delete(self):
        self.voice.delete_voice_connector_streaming_configuration(**self.here())


class Termination(OfConnector):
    def put(self):
        self.voice.put_voice_connector_termination(
            **self.here(),
            Termination={
                "CidrAllowedList": self.config["cidr_allow_list"],
                "CallingRegions": self.config["calling_regions"],
                "CpsLimit": self.config.get("cps_limit", 1),
            }
            | without_empty(
                Disabled=self.config.get("disabled"),
                DefaultPhoneNumber=self.config.get("default_phone_number"),
            ),
        )

    def read(self, id):
        it = self.voice.get_voice_connector_termination(VoiceConnectorId=id)["Termination"]
        return {
            "voice_connector_id": id,
            "cps_limit": it["CpsLimit"],
            "calling_regions": it["CallingRegions"],
            "cidr_allow_list": it["CidrAllowedList"],
            "default_phone_number": it.get("DefaultPhoneNumber", ""),
            "disabled": it["Disabled"],
        }

    def delete(self):
        self.voice.delete_voice_connector_termination(**self.here())


class TerminationCredentials(OfConnector):
    """Passwords are never read back: that there is a list is all that the provider looks at."""

    write_only = frozenset({"credentials"})

    def put(self):
        self.voice.put_voice_connector_termination_credentials(
            **self.here(),
            Credentials=[
                {"Username": username, "Password": password}
                for username, password in self.config["credentials"].items()
            ],
        )

    def read(self, id):
        listed = self.voice.list_voice_connector_termination_credentials(VoiceConnectorId=id)
        assert listed["Usernames"] is not None
        return {"voice_connector_id": id}

    def delete(self):
        self.voice.delete_voice_connector_termination_credentials(
            **self.here(), Usernames=list(self.config["credentials"])
        )


class GlobalSettings(Resource):
    """The account's settings; the id is the account's number, asked of STS."""

    def __init__(self, voice, sts=None, **config):
        super().__init__(voice, **config)
        self.sts = sts

    def create(self):
        self.put()
        return self.sts.get_caller_identity()["Account"]

    def put(self):
        self.voice.update_global_settings(VoiceConnector={"CdrBucket": self.config["cdr_bucket"]})

    def read(self, _id):
        bucket = self.voice.get_global_settings()["VoiceConnector"].get("CdrBucket")
        # The provider takes an absent bucket for an absent resource.
        return {"cdr_bucket": bucket} if bucket else None

    def update(self, _changed):
        self.put()

    def delete(self):
        self.voice.update_global_settings(VoiceConnector={})


class SipMediaApplication(Tagged):
    def endpoints(self):
        return [{"LambdaArn": self.config["lambda_arn"]}]

    def create(self):
        made = self.voice.create_sip_media_application(
            AwsRegion=self.config["aws_region"],
            Name=self.config["name"],
            Endpoints=self.endpoints(),
            **without_empty(Tags=self.given_tags()),
        )
        return made["SipMediaApplication"]["SipMediaApplicationId"]

    def read(self, id):
        it = self.voice.get_sip_media_application(SipMediaApplicationId=id)["SipMediaApplication"]
        [endpoint] = it["Endpoints"]
        return {
            "aws_region": it["AwsRegion"],
            "name": it["Name"],
            "lambda_arn": endpoint["LambdaArn"],
            "arn": it["SipMediaApplicationArn"],
            "tags": self.tags(it["SipMediaApplicationArn"]),
        }

    def update(self, changed):
        if changed & {"name", "lambda_arn"}:
            self.voice.update_sip_media_application(
                SipMediaApplicationId=self.id, Name=self.config["name"], Endpoints=self.endpoints()
            )
        if "tags" in changed:
            self.update_tags()

    def delete(self):
        self.voice.delete_sip_media_application(SipMediaApplicationId=self.id)


class SipRule(Resource):
    """A change of the trigger is never sent, and a rule is deleted without being disabled first."""

    def targets(self):
        return [
            {
                "SipMediaApplicationId": it["sip_media_application_id"],
                "Priority": it["priority"],
                "AwsRegion": it["aws_region"],
            }
            for it in self.config["target_applications"]
        ]

    def create(self):
        made = self.voice.create_sip_rule(
            Name=self.config["name"],
            TriggerType=self.config["trigger_type"],
            TriggerValue=self.config["trigger_value"],
            TargetApplications=self.targets(),
            **without_empty(Disabled=self.config.get("disabled")),
        )
        return made["SipRule"]["SipRuleId"]

    def read(self, id):
        it = self.voice.get_sip_rule(SipRuleId=id)["SipRule"]
        return {
            "name": it["Name"],
            "trigger_type": it["TriggerType"],
            "trigger_value": it["TriggerValue"],
            "disabled": it["Disabled"],
            "target_applications": [
                {
                    "sip_media_application_id": one["SipMediaApplicationId"],
                    "priority": one["Priority"],
                    "aws_region": one["AwsRegion"],
                }
                for one in it["TargetApplications"]
            ],
        }

    def update(self, changed):
        members = {"SipRuleId": self.id, "Name": self.config["name"]}
        if "target_applications" in changed:
            members["TargetApplications"] = self.targets()
        if "disabled" in changed:
            members["Disabled"] = self.config["disabled"]
        self.voice.update_sip_rule(**members)

    def delete(self):
        self.voice.delete_sip_rule(SipRuleId=self.id)


class VoiceProfileDomain(Tagged):
    """A change of the key is never sent, and a description cannot be cleared."""

    def create(self):
        made = self.voice.create_voice_profile_domain(
            Name=self.config["name"],
            ServerSideEncryptionConfiguration={"KmsKeyArn": self.config["kms_key_arn"]},
            **without_empty(Description=self.config.get("description"), Tags=self.given_tags()),
        )
        return made["VoiceProfileDomain"]["VoiceProfileDomainId"]

    def read(self, id):
        it = self.voice.get_voice_profile_domain(VoiceProfileDomainId=id)["VoiceProfileDomain"]
        return {
            "name": it["Name"],
            "description": it.get("Description", ""),
            "kms_key_arn": it["ServerSideEncryptionConfiguration"]["KmsKeyArn"],
            "arn": it["VoiceProfileDomainArn"],
            "tags": self.tags(it["VoiceProfileDomainArn"]),
        }

    def update(self, changed):
        if changed & {"name", "description"}:
            self.voice.update_voice_profile_domain(
                VoiceProfileDomainId=self.id,
                Name=self.config["name"],
                **without_empty(Description=self.config.get("description")),
            )
        if "tags" in changed:
            self.update_tags()

    def delete(self):
        self.voice.delete_voice_profile_domain(VoiceProfileDomainId=self.id)
