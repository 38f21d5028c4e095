"""A certificate authority for the time of a test."""

import subprocess


class Authority:
    """A certificate authority of the test's own, which vouches for servers on the loopback."""

    def __init__(self, home):
        self.home = home
        self.bundle = home / "authority.pem"
        self._request(
            "authority", "-x509", "-subj", "/CN=conformance authority", "-days", "2",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )

    def issue(self, name):
        """A certificate of 127.0.0.1 and its key, as two files."""
        self._request(
            name, "-x509", "-CA", str(self.bundle), "-CAkey", str(self.home / "authority.key"),
            "-subj", f"/CN={name}", "-days", "1",
            "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "extendedKeyUsage=serverAuth",
        )
        return self.home / f"{name}.pem", self.home / f"{name}.key"

    def _request(self, name, *arguments):
        out = ["-out", str(self.home / f"{name}.pem"), "-keyout", str(self.home / f"{name}.key")]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
        subprocess.run(["openssl", "req", *key, *out, *arguments], check=True, capture_output=True)
