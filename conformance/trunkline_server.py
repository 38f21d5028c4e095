"""Starts and stops `trunkline serve` as a user would, and tells where it listens."""

import configparser
import json
import os
import pathlib
import signal
import subprocess
import threading

import boto3
from botocore.config import Config

BIN = os.environ.get("TRUNKLINE_BIN", "target/debug/trunkline")
READY_SECONDS_MAX = 30
STOP_SECONDS_MAX = 20


class Server:
    """A private server in `home`. Every listener takes a free port of the loopback."""

    def __init__(self, home: pathlib.Path, **settings: str):
        self.home = pathlib.Path(home)
        self.data_dir = self.home / "data"
        self.settings = settings
        self.process = None
        self.ready = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TRUNKLINE_"))}
        return kept | {
            "TRUNKLINE_HTTP__LISTEN": "127.0.0.1:0",
            "TRUNKLINE_ADMIN__LISTEN": "127.0.0.1:0",
            "TRUNKLINE_SIP__LISTEN": "127.0.0.1:0",
            "HOME": str(self.home),
            **self.settings,
        }

    def start(self):
        self.log = open(self.home / "server.log", "ab")
        self.process = subprocess.Popen(
            [BIN, "serve", "--data-dir", str(self.data_dir)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            cwd=self.home,
        )
        watchdog = threading.Timer(READY_SECONDS_MAX, self.process.kill)
        watchdog.start()
        for line in self.process.stdout:
            if line.startswith("{"):
                self.ready = json.loads(line)
                break
        watchdog.cancel()
        if not self.ready or self.ready.get("event") != "ready":
            raise RuntimeError(f"the server did not become ready; see {self.log.name}\n{self.log_text()}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        self._closed()

    def kill(self):
        """What a power cut looks like to the process."""
        self.process.kill()
        self.process.wait()
        self._closed()

    def _closed(self):
        self.process.stdout.close()
        self.log.close()
        self.ready = None

    def log_text(self):
        return (self.home / "server.log").read_text(errors="replace")

    @property
    def endpoint(self):
        scheme = "https" if "TRUNKLINE_HTTP__TLS__CERT" in self.settings else "http"
        return f"{scheme}://{self.ready['http']}"

    @property
    def credentials(self):
        profile = configparser.ConfigParser()
        profile.read(self.data_dir / "credentials")
        return dict(profile["trunkline"])

    def client(self, access_key=None, secret_key=None, verify=None, **options):
        known = self.credentials
        return boto3.client(
            options.pop("service", "chime-sdk-voice"),
            region_name=options.pop("region_name", "us-east-1"),
            endpoint_url=self.endpoint,
            verify=verify,
            aws_access_key_id=access_key or known["aws_access_key_id"],
            aws_secret_access_key=secret_key or known["aws_secret_access_key"],
            config=Config(**{"retries": {"max_attempts": 0}, "parameter_validation": True} | options),
        )

    def client_of(self, account, **options):
        """A client with a new key of an account."""
        made = json.loads(self.run("key", "create", "--account", account, "--output", "json").stdout)
        return self.client(made["access_key_id"], made["secret_access_key"], **options)

    def sip(self, transport="udp"):
        host, _, port = self.ready[f"sip_{transport}"].rpartition(":")
        return host, int(port)

    def run(self, *arguments, check=True, **environment):
        """An operator's command against this server."""
        done = subprocess.run(
            [BIN, *arguments],
            env=self.environment()
            | {
                "AWS_SHARED_CREDENTIALS_FILE": str(self.data_dir / "credentials"),
                "AWS_PROFILE": "trunkline",
                "AWS_ENDPOINT_URL": self.endpoint,
            }
            | environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"trunkline {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done
