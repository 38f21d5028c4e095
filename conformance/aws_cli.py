"""The AWS CLI, unmodified, run within this process: a hundred commands take as long as ten processes would."""

import contextlib
import dataclasses
import io
import json
import os
import unittest.mock

from awscli.clidriver import create_clidriver


@dataclasses.dataclass
class Done:
    code: int
    stdout: str
    stderr: str

    @property
    def answer(self):
        """The document that was printed; the command must have succeeded."""
        assert self.code == 0, self.stderr
        return json.loads(self.stdout) if self.stdout.strip() else None

    @property
    def text(self):
        assert self.code == 0, self.stderr
        return self.stdout.strip()


class Cli:
    """`aws chime-sdk-voice` against one server.

    One driver runs all of its commands, and remembers flags that take the place of others (`--cli-input-json`,
    `--generate-cli-skeleton`): who means to look at the command line itself takes a new one.
    """

    def __init__(self, server, **environment):
        known = server.credentials
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(server.home),
            "AWS_ACCESS_KEY_ID": known["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": known["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_CHIME_SDK_VOICE": server.endpoint,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            # Set by the CLI itself when it is imported: where its own commands are described.
            "AWS_DATA_PATH": os.environ["AWS_DATA_PATH"],
        } | environment
        with unittest.mock.patch.dict(os.environ, self.environment, clear=True):
            self.driver = create_clidriver()

    def __call__(self, *arguments):
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            unittest.mock.patch.dict(os.environ, self.environment, clear=True),
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            try:
                code = self.driver.main(["chime-sdk-voice", *arguments])
            except SystemExit as wrong_usage:
                code = wrong_usage.code
        return Done(code, stdout.getvalue(), stderr.getvalue())
