"""linphonec without sound devices: it plays a file and writes down what it hears.

Debian's linphonec 5.1 neither starts its core nor listens by itself; what sets up its transports again, such as a change
of the IP version, makes it listen. Its TLS compares a certificate with names alone, never with an IP address, so the
chain is judged and the name is not.
"""

import os
import pathlib
import subprocess
import time

from audio import RATE, read_samples, write_tone

OWNED = "+12065550150"
PATIENCE_SECONDS = 30


class Linphone:
    """A phone with a tone of its own. `domain` is the host of the calls that it makes."""

    def __init__(self, home, server, domain, transport="udp", srtp=False, hertz=440, user=OWNED):
        self.home, self.domain = home, domain
        self.heard_file = home / "linphone-heard.wav"
        host, port = server.sip(transport)
        write_tone(home / "linphone-source.wav", hertz, 30)
        proxy = f"<sip:{host}:{port};transport={transport}>"
        (home / "linphonerc").write_text(
            "[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\ndefault_proxy=0\n"
            f"root_ca={server.data_dir}/sip-tls.crt\nverify_server_cn=0\n"
            f"media_encryption={'srtp' if srtp else 'none'}\n"
            f"[rtp]\naudio_rtp_port=14000-14400\n[sound]\nechocancellation=0\n"
            f"[proxy_0]\nreg_proxy={proxy}\nreg_route={proxy}\nreg_identity=sip:{user}@{domain}\n"
            "reg_sendregister=0\n"
            f"[auth_info_0]\nusername={user}\nuserid=pbx\npasswd=secret\nrealm={domain}\n"
        )

    def call(self, called, seconds):
        """Calls, listens for that long, and hangs up. What was printed is returned."""
        log = self.home / "linphone.log"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                ["linphonec", "-c", self.home / "linphonerc"],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={k: v for k, v in os.environ.items() if k != "DISPLAY"} | {"HOME": str(self.home)},
                text=True,
            )
            try:
                for command in [
                    "ipv6 enable",
                    "ipv6 disable",
                    "soundcard use files",
                    f"play {self.home}/linphone-source.wav",
                    f"record {self.heard_file}",
                    f"call sip:{called}@{self.domain}",
                ]:
                    print(command, file=process.stdin, flush=True)
                self.wait_for(process, 2 * RATE * seconds, log)
                print("terminate\nquit", file=process.stdin, flush=True)
                process.wait(PATIENCE_SECONDS)
            finally:
                process.kill()
                process.wait()
        return log.read_text(errors="replace")

    def wait_for(self, process, bytes_heard, log):
        end = time.monotonic() + PATIENCE_SECONDS
        while not (self.heard_file.exists() and self.heard_file.stat().st_size >= bytes_heard):
            assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.05)

    def heard(self):
        return read_samples(pathlib.Path(self.heard_file))
