"""The examples of docs/api, run as they stand: shell by bash and the AWS CLI, Python by boto3."""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

import pytest

from model import OPERATIONS

HERE = pathlib.Path(__file__).parent.parent / "docs" / "api"
INDEX = HERE / "index.md"
PAGES = sorted(set(HERE.glob("*.md")) - {INDEX})
RUNNERS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
AT_ONCE = 4


def examples(page, language):
    """The examples of one language on one page, in their order: later ones use what earlier ones made."""
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S))


def run(server, page, language):
    known = server.credentials
    return subprocess.run(
        [*RUNNERS[language], examples(page, language)],
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
        timeout=300,
    )


@pytest.fixture(scope="module")
def outcomes(server):
    """All pages at once: none depends on another."""
    # What the operator has for sale when the examples begin.
    server.run("number", "add", *[f"+1206555018{n}" for n in range(10)], "+14255550180", "+18005550142")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as workers:
        yield {
            (page, language): workers.submit(run, server, page, language)
            for page in PAGES
            for language in RUNNERS
        }


@pytest.mark.parametrize("language", RUNNERS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run_as_they_stand(outcomes, page, language):
    assert examples(page, language), f"{page.name} has no example for {language}"
    done = outcomes[page, language].result()
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_operation_is_on_the_page_of_its_family(server):
    listed = re.findall(r"`([A-Z]\w+)`", "".join(re.findall(r"^Operations: (.*?)\.(?=\s)", pages(), re.M | re.S)))
    assert sorted(listed) == sorted(OPERATIONS)


def pages():
    return "\n".join(page.read_text() for page in PAGES)


def test_the_index_links_to_every_page():
    linked = set(re.findall(r"\]\((\w[\w-]*\.md)\)", INDEX.read_text()))
    assert linked == {page.name for page in PAGES}
