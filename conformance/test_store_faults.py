"""Faults of the disk and of the database, seen through the API: typed, without effect, and passing."""

import re
import resource
import sqlite3
import threading
import time

import pytest

from account import Account, call
from faulty_disk import FaultyDisk
from trunkline_server import Server

# What fails, how, and what the refusal says of it.
FAULTS = {
    "no space left": ("write", "ENOSPC", "no space is left"),
    "quota of the file system used up": ("write", "EDQUOT", "the quota of the database's file system is used up"),
    "writes fail": ("write", "EIO", "the device of the database failed"),
    "flushes fail": ("flush", "EIO", "the device of the database failed"),
    "everything fails": ("both", "EIO", "the device of the database failed"),
    "as large as a file may be": ("write", "EFBIG", "the limit on the size of files"),
    "became read-only": ("write", "EROFS", "the database is on a read-only file system"),
}


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return FaultyDisk(tmp_path_factory.mktemp("disk"))


@pytest.fixture(scope="module")
def server(disk):
    # The log of the server lies on the same disk, as it often does.
    with Server(disk.home, **disk.settings) as running:
        yield running


@pytest.fixture(scope="module")
def account(server):
    return Account(server, server.client())


def refusal(voice, operation, members):
    with pytest.raises(voice.exceptions.ServiceUnavailableException) as refused:
        call(voice, operation, members)
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert re.fullmatch("[1-9][0-9]*", response["ResponseMetadata"]["HTTPHeaders"]["retry-after"])
    return response["Error"]["Message"]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_write_is_refused_without_effect_while_reads_go_on(disk, server, account, fault):
    calls, number, words = FAULTS[fault]
    before = account.state()
    assert len(account.writes()) >= 45
    with disk.failing(calls, number):
        for operation, members in account.writes().items():
            message = refusal(account.voice, operation, members)
            assert words in message and "nothing was changed" in message, f"{operation}: {message}"
            assert str(disk.home) not in message, "where the database lies is the operator's business"
        assert account.state() == before
    assert account.state() == before
    # The same process takes up its work as soon as it can.
    account.voice.tag_resource(ResourceARN=account.connector_arn, Tags=[{"Key": "fault", "Value": number}])
    account.voice.untag_resource(ResourceARN=account.connector_arn, TagKeys=["fault"])
    assert account.state() == before
    assert "panicked" not in server.log_text()


@pytest.mark.parametrize("fault", ["no space left", "flushes fail"])
def test_what_was_refused_is_not_there_after_a_power_cut(disk, server, account, fault):
    calls, number, _ = FAULTS[fault]
    before = account.state()
    with disk.failing(calls, number):
        for operation in ("CreateVoiceConnector", "UpdateVoiceConnector", "DeleteVoiceConnectorGroup"):
            refusal(account.voice, operation, account.writes()[operation])
    account.voice.untag_resource(ResourceARN=account.connector_arn, TagKeys=["never there"])
    server.kill()
    server.start()
    account.voice = server.client()
    assert account.state() == before


def test_a_limit_on_the_size_of_files_is_a_fault_like_another_and_not_the_end(server, account):
    before = account.state()
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    for operation in ("CreateVoiceConnector", "TagResource", "DeletePhoneNumber"):
        message = refusal(account.voice, operation, account.writes()[operation])
        assert "the limit on the size of files" in message and "nothing was changed" in message
    assert account.state() == before
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    account.voice.untag_resource(ResourceARN=account.connector_arn, TagKeys=["never there"])
    assert account.state() == before and server.process.poll() is None


def test_a_lock_of_another_program_is_named_and_passes(server, account):
    before = account.state()
    other = sqlite3.connect(server.data_dir / "trunkline.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        for operation in ("UpdateVoiceConnector", "TagResource"):
            message = refusal(account.voice, operation, account.writes()[operation])
            assert "another program holds a lock" in message
        assert account.state() == before
    finally:
        other.execute("ROLLBACK")
        other.close()
    account.voice.tag_resource(ResourceARN=account.connector_arn, Tags=[{"Key": "office", "Value": "Seattle"}])
    assert account.state() == before


def test_a_slow_disk_delays_writes_and_no_reads(disk, server, account):
    written = threading.Event()

    def write():
        account.voice.tag_resource(ResourceARN=account.connector_arn, Tags=[{"Key": "slow", "Value": "1"}])
        written.set()

    reader = server.client()
    with disk.slow(1000):
        writing = threading.Thread(target=write)
        writing.start()
        for _ in range(5):
            reader.get_voice_connector(VoiceConnectorId=account.connector)
        assert not written.is_set(), "the reads were done while the write was not"
        writing.join(60)
    assert written.is_set()
    account.voice.untag_resource(ResourceARN=account.connector_arn, TagKeys=["slow"])


def test_a_disk_slower_than_a_request_may_take_is_told_and_not_guessed_about(tmp_path):
    disk = FaultyDisk(tmp_path / "disk")
    disk.home.mkdir()
    with Server(disk.home, TRUNKLINE_API__REQUEST_TIMEOUT_S="1", **disk.settings) as server:
        voice = server.client()
        with disk.slow(2500):
            message = refusal(voice, "CreateVoiceConnector", {"Name": "slow", "RequireEncryption": False})
            assert "may or may not have been done" in message
        # It is one or the other, and stays so.
        names = [it["Name"] for it in voice.list_voice_connectors()["VoiceConnectors"]]
        assert names in ([], ["slow"])
        until = time.monotonic() + 30
        while not served(voice) and time.monotonic() < until:
            pass
        names = [it["Name"] for it in voice.list_voice_connectors()["VoiceConnectors"]]
        assert "fast" in names and names.count("slow") <= 1


def served(voice):
    """Whether a write is served; what waits for the disk goes before it."""
    try:
        return voice.create_voice_connector(Name="fast", RequireEncryption=False)
    except voice.exceptions.ServiceUnavailableException:
        return None


def test_every_write_is_served_on_a_disk_that_works(account):
    """What the refusals above are worth: each of these requests is a good one."""
    for operation, members in account.writes().items():
        answer = call(account.voice, operation, members)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] < 300, operation
        errors = answer.get("PhoneNumberErrors", [])
        assert errors == [], f"{operation}: {errors}"
