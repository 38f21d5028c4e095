"""A put that was acknowledged survives `kill -9`."""

import random
import threading

from botocore.exceptions import BotoCoreError, ClientError

from trunkline_server import Server

ROUNDS = 4


def test_no_acknowledged_put_is_lost_to_kill_9(tmp_path):
    chance = random.Random(20261123)
    server = Server(tmp_path)
    server.start()
    try:
        voice = server.client()
        acknowledged = {}
        for round_number in range(ROUNDS):
            made = voice.create_voice_connector(Name="durable", RequireEncryption=False)["VoiceConnector"]
            it = {"VoiceConnectorId": made["VoiceConnectorId"]}
            voice.put_voice_connector_termination(
                **it, Termination={"CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]}
            )
            kept = acknowledged.setdefault(made["VoiceConnectorId"], [])
            enough = threading.Event()
            stop_at = chance.randrange(3, 9)

            def put_until_the_server_dies():
                for n in range(10):
                    try:
                        voice.put_voice_connector_termination_credentials(
                            **it, Credentials=[{"Username": f"user{n}", "Password": "p"}]
                        )
                    except (BotoCoreError, ClientError):
                        return
                    kept.append(f"user{n}")
                    if len(kept) >= stop_at:
                        enough.set()

            putting = threading.Thread(target=put_until_the_server_dies)
            putting.start()
            assert enough.wait(30)
            server.kill()
            putting.join()
            server.start()
            voice = server.client()
            for connector, names in acknowledged.items():
                listed = voice.list_voice_connector_termination_credentials(VoiceConnectorId=connector)
                assert set(names) <= set(listed["Usernames"])
        assert sum(map(len, acknowledged.values())) >= 3 * ROUNDS
    finally:
        server.stop()


def test_a_second_server_on_the_same_data_directory_is_refused(tmp_path):
    with Server(tmp_path) as server:
        done = server.run("serve", "--data-dir", str(server.data_dir), check=False)
        assert done.returncode != 0
        assert str(server.process.pid) in done.stderr or "already" in done.stderr
        assert server.client().list_voice_connectors()["VoiceConnectors"] == []
