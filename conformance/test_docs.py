"""The examples of docs/api, run as they stand: shell by bash and the AWS CLI, Python by boto3."""

import pathlib
import re
import subprocess
import sys

import pytest

PAGES = sorted((pathlib.Path(__file__).parent.parent / "docs" / "api").glob("*.md"))
RUNNERS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}


def examples(page, language):
    """The examples of one language on one page, in their order: later ones use what earlier ones made."""
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S))


@pytest.fixture(scope="module", autouse=True)
def inventory(server):
    """What the operator has for sale when the examples begin."""
    server.run("number", "add", *[f"+1206555018{n}" for n in range(10)], "+18005550142")


@pytest.mark.parametrize("language", RUNNERS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run_as_they_stand(server, page, language):
    source = examples(page, language)
    assert source, f"{page.name} has no example for {language}"
    known = server.credentials
    done = subprocess.run(
        [*RUNNERS[language], source],
        env={
            "PATH": f"{pathlib.Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(server.home),
            "AWS_ENDPOINT_URL_CHIME_SDK_VOICE": server.endpoint,
            "AWS_ACCESS_KEY_ID": known["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": known["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
        },
        cwd=server.home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
