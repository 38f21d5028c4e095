"""Ports for programs that must be told one, free when they are given out.

They lie below those that Linux gives to anybody, so that nobody takes one between here and the program's start, and beside
those of the service's media. Each run of the tests begins elsewhere, for the sake of two runs on one machine.
"""

import itertools
import os
import socket

#: A SIPp or a baresip takes a few ports in a row.
STEP = 4
#: From a program's port to its media's.
TO_MEDIA = 4000


def _is_free(port):
    """Whether UDP and TCP are free there, and UDP where the media goes."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media,
        socket.socket() as tcp,
    ):
        try:
            for it, at in ((udp, port), (media, port + TO_MEDIA), (tcp, port)):
                it.bind(("127.0.0.1", at))
        except OSError:
            return False
    return True


ports = filter(_is_free, itertools.count(11000 + STEP * (os.getpid() % 200), STEP))
