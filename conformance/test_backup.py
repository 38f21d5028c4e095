"""Backup and restore: boto3 writes all the while, and what was acknowledged comes back elsewhere."""

import json
import shutil
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from trunkline_server import Server

OWNED, ECHO = "+12065550150", "+12065550100"
WRITERS = 4
USERS = ["front-desk", "lab", "night-watch"]


class Elsewhere(Server):
    """A server on a data directory that a restore made."""

    def __init__(self, home, data_dir):
        super().__init__(home)
        self.data_dir = data_dir


class Writer(threading.Thread):
    """Makes connectors with all they need, one after the other, and notes each write once it was acknowledged."""

    def __init__(self, voice):
        super().__init__()
        self.voice = voice
        self.connectors, self.with_users, self.failures = [], [], []
        self.enough = threading.Event()
        self.told_to_stop = threading.Event()

    def run(self):
        while not self.told_to_stop.is_set():
            try:
                made = self.voice.create_voice_connector(Name="writer", RequireEncryption=False)
                it = {"VoiceConnectorId": made["VoiceConnector"]["VoiceConnectorId"]}
                self.connectors.append(it["VoiceConnectorId"])
                self.voice.put_voice_connector_termination(
                    **it, Termination={"CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]}
                )
                self.voice.put_voice_connector_termination_credentials(
                    **it, Credentials=[{"Username": user, "Password": "p"} for user in USERS]
                )
                self.with_users.append(it["VoiceConnectorId"])
                if len(self.with_users) >= 5:
                    self.enough.set()
            except (BotoCoreError, ClientError) as failure:
                self.failures.append(failure)
                self.enough.set()
                return


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory):
    """A service, a backup that was made of it under load, and what had been acknowledged before that."""
    home = tmp_path_factory.mktemp("backed-up")
    with Server(home) as server:
        voice = server.client()
        server.run("number", "add", OWNED, "--account", "000000000000")
        connector = voice.create_voice_connector(Name="calls", RequireEncryption=False)["VoiceConnector"]
        it = {"VoiceConnectorId": connector["VoiceConnectorId"]}
        voice.put_voice_connector_termination(
            **it, Termination={"CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]}
        )
        voice.put_voice_connector_termination_credentials(
            **it, Credentials=[{"Username": "pbx", "Password": "correct horse"}]
        )
        writers = [Writer(server.client()) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        assert all(writer.enough.wait(60) for writer in writers)
        before = [(list(writer.connectors), list(writer.with_users)) for writer in writers]
        done = server.run("backup", str(home / "backup"), "--output", "json")
        for writer in writers:
            writer.told_to_stop.set()
        for writer in writers:
            writer.join()
        assert [writer.failures for writer in writers] == [[]] * WRITERS
        yield {
            "home": home,
            "file": home / "backup",
            "manifest": json.loads(done.stdout),
            "seal_key": server.data_dir / "seal.key",
            "before": before,
            "connector": connector,
            "server": server,
        }


def test_every_acknowledged_write_is_in_the_backup_and_none_is_half(backed_up, tmp_path):
    data_dir = tmp_path / "elsewhere"
    restore = ["restore", str(backed_up["file"]), "--data-dir", str(data_dir), "--seal-key"]
    backed_up["server"].run(*restore, str(backed_up["seal_key"]))
    with Elsewhere(tmp_path, data_dir) as server:
        voice = server.client()
        ids = {it["VoiceConnectorId"] for it in all_connectors(voice)}
        for connectors, with_users in backed_up["before"]:
            assert set(connectors) <= ids
            for connector in with_users:
                answer = voice.list_voice_connector_termination_credentials(VoiceConnectorId=connector)
                assert sorted(answer["Usernames"]) == USERS
        for connector in ids - {backed_up["connector"]["VoiceConnectorId"]}:
            try:
                answer = voice.list_voice_connector_termination_credentials(VoiceConnectorId=connector)
            except voice.exceptions.NotFoundException:
                continue
            assert sorted(answer["Usernames"]) in ([], USERS), "all of a list or none of it"


def all_connectors(voice):
    listed, token = [], {}
    while True:
        page = voice.list_voice_connectors(**token)
        listed += page["VoiceConnectors"]
        if "NextToken" not in page:
            return listed
        token = {"NextToken": page["NextToken"]}


def test_a_restored_service_takes_calls_by_the_credentials_it_had(backed_up, tmp_path):
    data_dir = tmp_path / "elsewhere"
    done = backed_up["server"].run(
        "restore", str(backed_up["file"]), "--data-dir", str(data_dir), "--seal-key", str(backed_up["seal_key"])
    )
    assert "credentials" in done.stdout
    (tmp_path / "pw").write_text("correct horse\n")
    (tmp_path / "wrong").write_text("battery staple\n")
    with Elsewhere(tmp_path, data_dir) as server:
        call = ["call", "--from", OWNED, "--to", ECHO, "--username", "pbx", "--seconds", "1", "--connector"]
        call += [backed_up["connector"]["VoiceConnectorId"], "--password-file"]
        server.run(*call, str(tmp_path / "pw"))
        refused = server.run(*call, str(tmp_path / "wrong"), check=False)
        assert refused.returncode == 1


def test_the_manifest_tells_what_is_in_it(backed_up):
    told = backed_up["server"].run("backup", "--inspect", str(backed_up["file"]), "--output", "json")
    manifest = json.loads(told.stdout)
    assert manifest == backed_up["manifest"]
    assert manifest["bytes"] == backed_up["file"].stat().st_size
    acknowledged = sum(len(connectors) for connectors, _ in backed_up["before"])
    assert manifest["resources"]["voice_connector"] > acknowledged
    text = backed_up["server"].run("backup", "--inspect", str(backed_up["file"])).stdout
    assert str(manifest["revision"]) in text and manifest["seal_keys"][0]["key"] in text
    checked = backed_up["server"].run("restore", "--check", str(backed_up["file"]), "--seal-key", str(backed_up["seal_key"]))
    assert "every checksum fits" in checked.stdout


@pytest.mark.parametrize("part, change", [("database", lambda it: it[: len(it) // 2]), ("end", lambda it: it[:-1])])
def test_a_backup_that_was_cut_is_refused_by_the_part_it_was_cut_in(backed_up, tmp_path, part, change):
    (tmp_path / "cut").write_bytes(change(backed_up["file"].read_bytes()))
    assert refusal(backed_up, tmp_path / "cut", tmp_path / "new").count(f"cut off in its part `{part}`") == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("at, part", [(0.0, "begin"), (0.5, "`database`"), (1.0, "`end`")])
def test_a_flipped_bit_is_refused_by_the_part_it_is_in(backed_up, tmp_path, at, part):
    content = bytearray(backed_up["file"].read_bytes())
    content[int((len(content) - 1) * at)] ^= 0x10
    (tmp_path / "flipped").write_bytes(content)
    assert part in refusal(backed_up, tmp_path / "flipped", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_wrong_or_missing_seal_key_is_told_before_anything_is_written(backed_up, tmp_path):
    missing = refusal(backed_up, backed_up["file"], tmp_path / "new", seal_key=None)
    assert "no seal key file" in missing and "--seal-key" in missing
    (tmp_path / "other").mkdir()
    with Server(tmp_path / "other") as other:
        wrong = refusal(backed_up, backed_up["file"], tmp_path / "new", seal_key=other.data_dir / "seal.key")
    assert backed_up["manifest"]["seal_keys"][0]["key"] in wrong
    assert not (tmp_path / "new").exists()


def test_what_is_there_is_not_overwritten_unless_it_is_asked_for(backed_up, tmp_path):
    with Server(tmp_path) as server:
        kept = server.client().create_voice_connector(Name="kept", RequireEncryption=False)["VoiceConnector"]
        arguments = ["restore", str(backed_up["file"]), "--data-dir", str(server.data_dir)]
        arguments += ["--seal-key", str(backed_up["seal_key"])]
        assert "not empty" in server.run(*arguments, check=False).stderr
        running = server.run(*arguments, "--overwrite", check=False)
        assert running.returncode == 1 and str(server.process.pid) in running.stderr
        server.stop()
        done = backed_up["server"].run(*arguments, "--overwrite", "--output", "json")
        server.start()
        names = {it["VoiceConnectorId"] for it in all_connectors(server.client())}
        assert backed_up["connector"]["VoiceConnectorId"] in names
        assert kept["VoiceConnectorId"] not in names
        assert (tmp_path / "data").joinpath(json.loads(done.stdout)["moved_aside"]).exists()


def test_a_stopped_service_is_backed_up_by_its_directory(backed_up, tmp_path):
    with Server(tmp_path) as server:
        server.client().create_voice_connector(Name="stopped", RequireEncryption=False)
        running = server.run("backup", str(tmp_path / "b"), "--data-dir", str(server.data_dir), check=False)
        assert running.returncode == 1 and str(server.process.pid) in running.stderr
        server.stop()
        run = backed_up["server"].run
        run("backup", str(tmp_path / "b"), "--data-dir", str(server.data_dir))
        again = run("backup", str(tmp_path / "b"), "--data-dir", str(server.data_dir), check=False)
        assert again.returncode == 1 and "exists" in again.stderr
        # The key may lie in its place beforehand, as an operator who moves a service would have it.
        moved = tmp_path / "moved"
        moved.mkdir(mode=0o700)
        shutil.copy(server.data_dir / "seal.key", moved / "seal.key")
        run("restore", str(tmp_path / "b"), "--data-dir", str(moved))
    with Elsewhere(tmp_path, moved) as server:
        assert [it["Name"] for it in server.client().list_voice_connectors()["VoiceConnectors"]] == ["stopped"]


def refusal(backed_up, file, data_dir, seal_key="ours"):
    arguments = ["restore", str(file), "--data-dir", str(data_dir)]
    if seal_key is not None:
        arguments += ["--seal-key", str(backed_up["seal_key"] if seal_key == "ours" else seal_key)]
    done = backed_up["server"].run(*arguments, check=False)
    assert done.returncode == 1, done
    return done.stderr
