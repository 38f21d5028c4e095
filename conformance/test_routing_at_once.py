"""Associations and groups decide where calls go: a change counts for the very next call, and its
explanation shows it."""

import re
import select
import socket
import time

import pytest

from sip_wire import Caller
from trunkline_server import Server

NUMBER = "+12065550160"
CALLER = "+13125550142"
SECONDS_MAX = 10
COPIED = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")


class Pbx:
    """A PBX that is busy, and remembers the calls that it was offered. The connector of its own has one route to it."""

    def __init__(self, voice, name):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.offered = 0
        route = {
            "Host": "127.0.0.1",
            "Port": self.socket.getsockname()[1],
            "Protocol": "UDP",
            "Priority": 1,
            "Weight": 1,
        }
        made = voice.create_voice_connector(Name=name, RequireEncryption=False)["VoiceConnector"]
        self.connector = made["VoiceConnectorId"]
        voice.put_voice_connector_origination(VoiceConnectorId=self.connector, Origination={"Routes": [route]})

    def answer(self):
        text, peer = self.socket.recvfrom(65535)
        head = text.decode().split("\r\n\r\n")[0].split("\r\n")
        if not head[0].startswith("INVITE "):
            return
        self.offered += 1
        lines = [f"{it};tag=busy" if it.startswith("To:") else it for it in head if it.startswith(COPIED)]
        reply = ["SIP/2.0 486 Busy Here", *lines, "Content-Length: 0", "", ""]
        self.socket.sendto("\r\n".join(reply).encode(), peer)


class House:
    """A service, a carrier on the loopback that calls its one number, and the PBXs of two connectors."""

    def __init__(self, server):
        self.server, self.voice = server, server.client()
        self.office, self.branch = Pbx(self.voice, "office"), Pbx(self.voice, "branch")

    def associate(self, connector, force=False):
        errors = self.voice.associate_phone_numbers_with_voice_connector(
            VoiceConnectorId=connector, E164PhoneNumbers=[NUMBER], ForceAssociate=force
        )
        return errors["PhoneNumberErrors"]

    def release(self):
        """Takes the number from whatever it belongs to."""
        for it in self.voice.get_phone_number(PhoneNumberId=NUMBER)["PhoneNumber"].get("Associations", []):
            if it["Name"] == "VoiceConnectorId":
                self.voice.disassociate_phone_numbers_from_voice_connector(
                    VoiceConnectorId=it["Value"], E164PhoneNumbers=[NUMBER]
                )
            else:
                self.voice.disassociate_phone_numbers_from_voice_connector_group(
                    VoiceConnectorGroupId=it["Value"], E164PhoneNumbers=[NUMBER]
                )

    def group(self, *members):
        """A group that has the number; its members are PBXs with their priorities."""
        made = self.voice.create_voice_connector_group(Name="house", VoiceConnectorItems=items(*members))
        group = made["VoiceConnectorGroup"]["VoiceConnectorGroupId"]
        told = self.voice.associate_phone_numbers_with_voice_connector_group(
            VoiceConnectorGroupId=group, E164PhoneNumbers=[NUMBER]
        )
        assert told["PhoneNumberErrors"] == []
        return group

    def update(self, group, *members):
        answer = self.voice.update_voice_connector_group(
            VoiceConnectorGroupId=group, Name="house", VoiceConnectorItems=items(*members)
        )
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202

    def call(self):
        """One call to the number: the PBXs that it was offered to, its final status, and its explanation."""
        pbxs = [self.office, self.branch]
        before = [it.offered for it in pbxs]
        host, port = self.server.sip("udp")
        with Caller(self.server, f"{host}:{port}", CALLER, NUMBER) as caller:
            caller.send("INVITE", body=caller.sdp())
            status, deadline = 0, time.monotonic() + SECONDS_MAX
            while status < 200:
                sockets = [it.socket for it in (caller, *pbxs)]
                ready, _, _ = select.select(sockets, [], [], max(0, deadline - time.monotonic()))
                assert ready, "nothing came\n" + self.server.log_text()[-3000:]
                for pbx in pbxs:
                    if pbx.socket in ready:
                        pbx.answer()
                if caller.socket in ready:
                    status, text = caller.receive()
            caller.acknowledge(text)
        offered = [it for it, so_far in zip(pbxs, before) if it.offered > so_far]
        return offered, status, self.explained(caller.call_id)

    def explained(self, call_id):
        """The record is written when the call is over on every side."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            told = self.server.run("explain", call_id, check=False)
            if told.returncode == 0:
                return told.stdout
        raise AssertionError(told.stderr)


def items(*members):
    return [{"VoiceConnectorId": pbx.connector, "Priority": priority} for pbx, priority in members]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    settings = {"TRUNKLINE_SIP__T1_MS": "50", "TRUNKLINE_CARRIERS__SIMULATED": "false"}
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as server:
        server.run("carrier", "add", "pstn", "--host", "127.0.0.1", "--port", "9", "--source", "127.0.0.1/32")
        server.run("number", "add", NUMBER, "--account", "000000000000")
        yield House(server)


@pytest.fixture(autouse=True)
def nobodys(house):
    """Each test begins with a number that belongs to nothing."""
    house.release()


def test_the_call_after_an_association_goes_to_its_connector(house):
    offered, status, explained = house.call()
    assert (offered, status) == ([], 404)
    assert "AssociatePhoneNumbersWithVoiceConnector" in explained
    for pbx in (house.office, house.branch):
        house.release()
        assert house.associate(pbx.connector) == []
        offered, status, explained = house.call()
        assert (offered, status) == ([pbx], 486)
        assert pbx.connector in explained


def test_only_a_forced_association_moves_the_next_call(house):
    assert house.associate(house.office.connector) == []
    [error] = house.associate(house.branch.connector)
    assert error["ErrorCode"] == "PhoneNumberAssociationsExist"
    assert house.call()[0] == [house.office]
    assert house.associate(house.branch.connector, force=True) == []
    offered, _, explained = house.call()
    assert offered == [house.branch]
    assert house.branch.connector in explained and house.office.connector not in explained


def test_the_call_after_a_disassociation_goes_nowhere(house):
    assert house.associate(house.office.connector) == []
    assert house.call()[0] == [house.office]
    house.release()
    offered, status, explained = house.call()
    assert (offered, status) == ([], 404)
    assert house.office.connector not in explained


def test_a_groups_update_decides_the_next_call(house):
    group = house.group((house.office, 1), (house.branch, 2))
    offered, status, explained = house.call()
    assert (offered, status) == ([house.office], 486)
    assert re.search(rf"group {group}\b", explained) and house.office.connector in explained

    house.update(group, (house.office, 2), (house.branch, 1))
    offered, _, explained = house.call()
    assert offered == [house.branch] and house.branch.connector in explained

    house.update(group, (house.office, 1))
    assert house.call()[0] == [house.office]

    house.update(group)
    offered, status, explained = house.call()
    assert (offered, status) == ([], 480)
    assert group in explained and "UpdateVoiceConnectorGroup" in explained

    house.release()
    assert house.call()[:2] == ([], 404)
    house.voice.delete_voice_connector_group(VoiceConnectorGroupId=group)


def test_a_route_that_is_put_or_deleted_counts_for_the_next_call(house):
    assert house.associate(house.office.connector) == []
    known = {"VoiceConnectorId": house.office.connector}
    kept = house.voice.get_voice_connector_origination(**known)["Origination"]
    house.voice.put_voice_connector_origination(**known, Origination={**kept, "Disabled": True})
    offered, status, explained = house.call()
    assert (offered, status) == ([], 480) and "Disabled: true" in explained
    house.voice.delete_voice_connector_origination(**known)
    offered, status, explained = house.call()
    assert (offered, status) == ([], 480) and "PutVoiceConnectorOrigination" in explained
    house.voice.put_voice_connector_origination(**known, Origination=kept)
    assert house.call()[0] == [house.office]
