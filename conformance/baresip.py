"""baresip without sound devices: a caller, or a PBX that answers."""

import pathlib
import socket
import subprocess
import time

from audio import RATE, read_samples, write_tone

OWNED = "+12065550150"
LISTENING_SECONDS_MAX = 10
MODULES = next(
    it for it in map(pathlib.Path, ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"]) if it.is_dir()
)


class Baresip:
    """A user agent without sound devices: it plays a file and writes down what it hears."""

    def __init__(self, home, server, domain, password, transport="udp", srtp=False):
        self.home = home
        host, port = server.sip(transport)
        write_tone(home / "source.wav", 440, 20)
        encryption = ";mediaenc=srtp-mand" if srtp else ""
        self.configure(
            ["srtp.so"] if srtp else [],
            # The certificate that the server made for itself is all that is believed.
            f"sip_listen 127.0.0.1:0\nsip_verify_server yes\nsip_cafile {server.data_dir}/sip-tls.crt\n",
            f"<sip:{OWNED}@{domain}>;auth_user=pbx;auth_pass={password};regint=0;"
            f'outbound="sip:{host}:{port};transport={transport}";audio_codecs=PCMU{encryption}\n',
        )

    def configure(self, encryption, sip, account):
        # An account's encryption must be known before the account is read.
        modules = encryption + ["g711.so", "account.so", "aufile.so", "aubridge.so", "sndfile.so"]
        home = self.home
        (home / "config").write_text(
            f"module_path {MODULES}\n"
            + "".join(f"module {it}\n" for it in modules)
            + f"module_app menu.so\nnet_interface 127.0.0.1\n{sip}"
            + f"audio_source aufile,{home}/source.wav\n"
            + "audio_player aubridge,sink\naudio_alert aubridge,alert\n"
            + f"ausrc_srate {RATE}\nauplay_srate {RATE}\nausrc_channels 1\nauplay_channels 1\n"
            + f"snd_path {home}\nrtp_ports 13000-13100\n"
        )
        (home / "accounts").write_text(account)

    def call(self, uri, seconds):
        self.log = self.home / "baresip.log"
        with open(self.log, "wb") as log:
            done = subprocess.run(
                ["baresip", "-4", "-f", self.home, "-e", f"/dial {uri}", "-t", str(seconds)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=seconds + 30,
            )
        return done.returncode

    def heard(self):
        dumps = sorted(self.home.glob("dump-*-dec.wav"))
        assert dumps, self.log.read_text(errors="replace")
        return read_samples(dumps[-1])


class Answering(Baresip):
    """A PBX that takes calls over TLS with SRTP alone, plays 440 Hz and writes down what it hears."""

    def __init__(self, home, port, cert, key):
        self.home, self.port = home, port
        write_tone(home / "source.wav", 440, 20)
        (home / "cert.pem").write_bytes(cert.read_bytes() + key.read_bytes())
        self.configure(
            ["srtp.so"],
            f"sip_listen 127.0.0.1:{port}\nsip_certificate {home}/cert.pem\n",
            f"<sip:{OWNED}@127.0.0.1>;regint=0;answermode=auto;audio_codecs=PCMU;mediaenc=srtp-mand\n",
        )

    @property
    def tls_port(self):
        """baresip listens for TLS on the port after the one for UDP and TCP."""
        return self.port + 1

    def __enter__(self):
        self.log = self.home / "baresip.log"
        self.process = subprocess.Popen(
            ["baresip", "-4", "-f", self.home],
            stdout=open(self.log, "wb"),
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        end = time.monotonic() + LISTENING_SECONDS_MAX
        while not self.listens():
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text(errors="replace")
            time.sleep(0.05)
        return self

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.tls_port)) == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
