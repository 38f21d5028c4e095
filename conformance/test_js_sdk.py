"""The JavaScript SDK v3, unmodified: each case of `js/*.test.js`, run by node, is one test here."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from model import OPERATIONS
from trunkline_server import Server

PROJECT = pathlib.Path(__file__).parent / "js"
CASES = [
    (file.name, case)
    for file in sorted(PROJECT.glob("*.test.js"))
    for case in re.findall(r'^test\("(.+?)"', file.read_text(), re.M)
]
BUSY = {"TRUNKLINE_API__REQUESTS_PER_SECOND": "2", "TRUNKLINE_API__BURST": "3"}
SECONDS_MAX = 120


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A server that throttles soon."""
    with Server(tmp_path_factory.mktemp("busy"), **BUSY) as running:
        yield running


@pytest.fixture(scope="module")
def report(server, busy):
    """What node's test runner told of each case: whether it held, and why not; and the operations called."""
    assert (PROJECT / "node_modules").is_dir(), "run `npm ci` in conformance/js, as `make conformance` does"
    server.run("number", "add", *[f"+1971555010{n}" for n in range(5)])
    server.run("number", "add", *[f"+1503555010{n}" for n in range(4)], "--account", "000000000000")
    known, throttled = server.credentials, busy.credentials
    called = server.home / "called"
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", *sorted(map(str, PROJECT.glob("*.test.js")))],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(server.home),
            "AWS_ENDPOINT_URL_CHIME_SDK_VOICE": server.endpoint,
            "AWS_ACCESS_KEY_ID": known["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": known["aws_secret_access_key"],
            "AWS_REGION": "us-east-1",
            "CALLED": str(called),
            "BUSY_ENDPOINT": busy.endpoint,
            "BUSY_CREDENTIALS": json.dumps(
                {
                    "accessKeyId": throttled["aws_access_key_id"],
                    "secretAccessKey": throttled["aws_secret_access_key"],
                }
            ),
        },
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    told = {}
    for state, case, rest in re.findall(
        r"^ *(ok|not ok) \d+ - (.+?)\n((?:(?! *(?:ok|not ok) \d).*\n)*)", done.stdout, re.M
    ):
        told[case.split(" # ")[0].replace("\\#", "#")] = (state == "ok", rest)
    yield told, set(called.read_text().split()), done.stdout + done.stderr


@pytest.mark.parametrize("file, case", CASES, ids=[case for _, case in CASES])
def test_the_javascript_sdk(report, file, case):
    told, _, output = report
    assert case in told, f"{file} did not tell of it:\n{output}"
    held, why = told[case]
    assert held, why


def test_all_operations_were_called_by_the_javascript_sdk(report):
    _, called, _ = report
    assert set(map(str, OPERATIONS)) == called
