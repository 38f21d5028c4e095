"""The Rust SDK, unmodified: each test of `rust-sdk/tests/judge`, run by cargo, is one test here."""

import contextlib
import os
import pathlib
import re
import sqlite3
import subprocess
import urllib.request

import pytest

PROJECT = pathlib.Path(__file__).parent / "rust-sdk"
AWAY = "wire::a_store_that_is_away_is_asked_again_until_it_is_back"
CASES = [
    f"{file.stem}::{case}"
    for file in sorted((PROJECT / "tests" / "judge").glob("*.rs"))
    for case in re.findall(r"^#\[tokio::test\]\n(?:#.*\n)*async fn (\w+)", file.read_text(), re.M)
    if f"{file.stem}::{case}" != AWAY
]
# The first run on a machine builds the SDK.
SECONDS_MAX = 900


def started(server, *arguments):
    known = server.credentials
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "TRUNKLINE_"))}
    return subprocess.Popen(
        ["cargo", "test", "--locked", "--quiet", "--test", "judge", "--", *arguments],
        env=kept
        | {
            "AWS_ENDPOINT_URL_CHIME_SDK_VOICE": server.endpoint,
            "AWS_ACCESS_KEY_ID": known["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": known["aws_secret_access_key"],
        },
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def report(server):
    """What the tests told of themselves, and all that they wrote."""
    server.run("number", "add", *[f"+1971555010{n}" for n in range(5)])
    server.run("number", "add", "+15035550100", "--account", "000000000000")
    output, _ = started(server, "--format=pretty").communicate(timeout=SECONDS_MAX)
    return dict(re.findall(r"^test (\S+) \.\.\. (ok|FAILED)$", output, re.M)), output


@pytest.mark.parametrize("case", CASES)
def test_the_rust_sdk(report, case):
    told, output = report
    assert told.get(case) == "ok", output


def answered_503(server):
    with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics") as metrics:
        return re.search(r"^trunkline_api_requests_total\{.*503.*\} [1-9]", metrics.read().decode(), re.M)


def test_the_rust_sdk_asks_again_while_the_store_is_away(server, report):
    with contextlib.closing(
        sqlite3.connect(server.data_dir / "trunkline.db", isolation_level=None, timeout=5)
    ) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        running = started(server, "--ignored", "--exact", AWAY)
        while running.poll() is None and not answered_503(server):
            pass
        blocker.execute("ROLLBACK")
    output, _ = running.communicate(timeout=SECONDS_MAX)
    assert running.returncode == 0, output
    assert answered_503(server)
