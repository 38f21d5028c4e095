"""The AWS CLI, unmodified, pointed here by environment or by profile."""

import json
import pathlib
import subprocess
import sys

AWS = pathlib.Path(sys.executable).parent / "aws"


def aws(server, *arguments, **environment):
    known = server.credentials
    return subprocess.run(
        [AWS, "chime-sdk-voice", *arguments],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(server.home),
            "AWS_ACCESS_KEY_ID": known["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": known["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
        }
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def answer(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


def test_the_first_connector_of_the_readme_by_endpoint_variable(server):
    here = {"AWS_ENDPOINT_URL_CHIME_SDK_VOICE": server.endpoint}
    made = answer(
        aws(server, "create-voice-connector", "--name", "office", "--no-require-encryption", **here)
    )["VoiceConnector"]
    it = ["--voice-connector-id", made["VoiceConnectorId"]]
    termination = "CpsLimit=5,CallingRegions=US,CidrAllowedList=127.0.0.1/32"
    answer(aws(server, "put-voice-connector-termination", *it, "--termination", termination, **here))
    answer(
        aws(
            server,
            "put-voice-connector-termination-credentials",
            *it,
            "--credentials",
            "Username=pbx,Password=secret",
            **here,
        )
    )
    listed = answer(aws(server, "list-voice-connector-termination-credentials", *it, **here))
    assert listed == {"Usernames": ["pbx"]}


def test_a_profile_with_a_services_section_finds_the_endpoint(server, tmp_path):
    config = tmp_path / "config"
    known = server.credentials
    config.write_text(
        "[profile tl]\nregion = us-east-1\nservices = here\n"
        f"aws_access_key_id = {known['aws_access_key_id']}\n"
        f"aws_secret_access_key = {known['aws_secret_access_key']}\n"
        f"[services here]\nchime_sdk_voice =\n  endpoint_url = {server.endpoint}\n"
    )
    done = aws(
        server,
        "list-available-voice-connector-regions",
        "--profile",
        "tl",
        AWS_CONFIG_FILE=str(config),
    )
    assert "us-east-1" in answer(done)["VoiceConnectorRegions"]


def test_the_credentials_file_of_the_data_directory_is_a_profile(server):
    done = subprocess.run(
        [AWS, "chime-sdk-voice", "list-voice-connectors", "--endpoint-url", server.endpoint],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(server.home),
            "AWS_SHARED_CREDENTIALS_FILE": str(server.data_dir / "credentials"),
            "AWS_PROFILE": "trunkline",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "VoiceConnectors" in answer(done)


def test_an_error_reaches_the_terminal_with_its_type_and_its_remedy(server):
    done = aws(
        server,
        "get-voice-connector",
        "--voice-connector-id",
        "a" * 22,
        AWS_ENDPOINT_URL_CHIME_SDK_VOICE=server.endpoint,
    )
    assert done.returncode != 0
    assert "(NotFoundException)" in done.stderr
    assert f"Could not find VoiceConnector with Id '{'a' * 22}'" in done.stderr


def test_another_service_at_this_endpoint_is_told_which_one_this_is(server):
    known = server.credentials
    done = subprocess.run(
        [AWS, "sqs", "list-queues", "--endpoint-url", server.endpoint],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(server.home),
            "AWS_ACCESS_KEY_ID": known["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": known["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "sqs" in done.stderr and "chime" in done.stderr
