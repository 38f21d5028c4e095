"""The commands that the README and docs/operating.md show, run as they stand by bash.

Each page is one shell, block after block, as somebody would type them. Names that stand for a thing of the reader's own
(`CALL-ID`, a directory of the machine) are replaced by ours. What cannot be run here is listed with its reason.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from account import connector_of
from authority import Authority
from sipp_script import OFFER, Sipp, answer, offered, reply, taken
from trunkline_server import BIN, Server

ROOT = pathlib.Path(__file__).parent.parent
PAGES = {"README": ROOT / "README.md", "operating": ROOT / "docs" / "operating.md"}
PBX = "+12065550150"

NOT_RUN = {
    "make demo": "it builds; `trunkline demo`, which is all that it runs, has tests of its own (crates/apps/trunkline/tests)",
    "make test": "it is what runs this test",
    "trunkline serve --data-dir /var/lib/trunkline --config /etc/trunkline/trunkline.toml": (
        "it does not end; every test here starts it so, and its file is checked below"
    ),
}

#: What stands for a thing of the reader's own, and ours. `@` is this test's directory.
OURS = {
    "README": {
        "http://127.0.0.1:8060": "$ENDPOINT",
        "CALL-ID": '"$(latest)"',
    },
    "operating": {
        "/etc/trunkline/": "@/",
        "/var/lib/trunkline": "@/restored",
        "/backup/": "@/backup/",
        "/safe/seal.key": "@/data/seal.key",
        "'a84b4c76e66710@192.0.2.7'": '"$(latest)"',
    },
}

PROLOGUE = """
latest() { trunkline calls --output json | python3 -c 'import json, sys; print(json.load(sys.stdin)["calls"][0]["call_id"])'; }
forget_carriers() {
    trunkline carrier list --output json | python3 -c 'import json, sys
for it in json.load(sys.stdin)["carriers"]: print(it["name"])' | while read -r name; do trunkline carrier remove "$name"; done
}
"""


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page].read_text(), re.M | re.S)


def commands(block):
    """What stands behind the prompts, without the comments; lines that end in a backslash go on."""
    joined = block.replace("\\\n", "")
    shown = re.findall(r"^\$ (.*)$", joined, re.M)
    return [re.sub(r"\s+", " ", re.split(r"\s+# ", it)[0]).strip() for it in shown]


def script(page, home):
    """The page's commands, each block beginning without carriers: the examples add the same one anew."""
    lines = [PROLOGUE]
    for block in blocks(page, "console"):
        for command in commands(block):
            if command in NOT_RUN:
                continue
            for theirs, ours in OURS[page].items():
                command = command.replace(theirs, ours.replace("@", str(home)))
            lines += [f"echo '$' {shell_quoted(command)}", command]
        lines.append("forget_carriers")
    return "\n".join(lines)


def shell_quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def type_in(server, text):
    home = server.home
    (home / "bin").mkdir()
    (home / "bin" / "trunkline").symlink_to(pathlib.Path(BIN).resolve())
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        env=server.environment()
        | {
            "PATH": f"{home}/bin:{pathlib.Path(sys.executable).parent}:/usr/bin:/bin",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_SHARED_CREDENTIALS_FILE": str(server.data_dir / "credentials"),
            "AWS_PROFILE": "trunkline",
            "ENDPOINT": server.endpoint,
        },
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_readme_reaches_a_call_and_its_explanation(tmp_path):
    with Server(tmp_path) as server:
        # The README's service keeps its state beside where it was started.
        (tmp_path / "trunkline-data").symlink_to(server.data_dir)
        done = type_in(server, script("README", tmp_path))
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_operators_guide_runs_from_its_first_command_to_its_last(tmp_path):
    authority = Authority(tmp_path)
    for theirs, ours in zip(["us.pem", "us-key.pem"], authority.issue("us-ours")):
        shutil.copy(ours, tmp_path / theirs)
    shutil.copy(authority.bundle, tmp_path / "carrier-ca.pem")
    (tmp_path / "trunk-7.pw").write_text("a password of theirs\n")
    (tmp_path / "backup").mkdir()
    with Server(tmp_path) as server:
        made = connector_of(server)
        pbx = Sipp(tmp_path, "pbx", [offered(), answer(OFFER), taken("BYE"), reply(200, "OK")]).bound()
        route = {"Host": "127.0.0.1", "Port": pbx.port, "Protocol": "UDP", "Priority": 1, "Weight": 1}
        it = {"VoiceConnectorId": made["VoiceConnectorId"]}
        server.client().put_voice_connector_origination(**it, Origination={"Routes": [route]})
        try:
            text = script("operating", tmp_path)
            # The numbers are added by the page; whose they are is the reader's affair.
            added = next(line for line in text.splitlines() if line.startswith("trunkline number add"))
            associate = "aws chime-sdk-voice associate-phone-numbers-with-voice-connector"
            associated = f"{added}\n{associate} --voice-connector-id {made['VoiceConnectorId']} --e164-phone-numbers {PBX}"
            done = type_in(server, text.replace(f"\n{added}", f"\n{associated}", 1))
        finally:
            pbx.stop()
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("at", range(len(blocks("operating", "toml"))))
def test_each_configuration_that_is_shown_is_taken(tmp_path, at):
    authority = Authority(tmp_path)
    for names in [("chain.pem", "key.pem"), ("sip-chain.pem", "sip-key.pem")]:
        for theirs, ours in zip(names, authority.issue(f"ours-{names[0]}")):
            shutil.copy(ours, tmp_path / theirs)
    shown = blocks("operating", "toml")[at].replace("/etc/trunkline/", f"{tmp_path}/")
    assert tomllib.loads(shown)
    path = tmp_path / "trunkline.toml"
    path.write_text(shown)
    done = subprocess.run([BIN, "config", "check", "--config", path], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_not_run_is_still_shown():
    shown = {command for page in PAGES for block in blocks(page, "console") for command in commands(block)}
    assert set(NOT_RUN) <= shown, f"no page shows {set(NOT_RUN) - shown}"
