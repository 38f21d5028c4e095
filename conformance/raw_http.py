"""Requests that no SDK would send, rightly signed, over one kept connection."""

import http.client
import json
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ANSWER_SECONDS_MAX = 15


def canonical_query(query):
    """The query as Signature Version 4 signs it: decoded and encoded again, whatever stands on the wire."""

    def again(text):
        return urllib.parse.quote(urllib.parse.unquote_to_bytes(text.replace("+", " ")), safe="-_.~")

    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return "&".join(f"{again(name)}={again(value)}" for name, _, value in pairs)


class Answer:
    """What came back."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self):
        return f"{self.status} {self.error} {self.body[:600]!r}"

    @property
    def error(self):
        return self.headers.get("x-amzn-errortype")

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    @property
    def message(self):
        return (self.json or {}).get("Message", "") if self.status >= 400 else ""


class Wire:
    """Signs with botocore's signer and sends with Python's own HTTP client, which checks nothing."""

    def __init__(self, server, access_key=None, secret_key=None):
        known = server.credentials
        self.credentials = Credentials(
            access_key or known["aws_access_key_id"], secret_key or known["aws_secret_access_key"]
        )
        self.endpoint = server.endpoint
        self.connection = http.client.HTTPConnection(server.ready["http"], timeout=ANSWER_SECONDS_MAX)

    def signed(self, method, target, body=b""):
        path, mark, query = target.partition("?")
        url = self.endpoint + path + mark + canonical_query(query)
        request = AWSRequest(method=method, url=url, data=body)
        if body:
            request.headers["Content-Type"] = "application/json"
        SigV4Auth(self.credentials, "chime", "us-east-1").add_auth(request)
        return dict(request.headers)

    def send(self, method, target, body=b"", headers=None):
        headers = self.signed(method, target, body) if headers is None else headers
        for last_try in (False, True):
            try:
                self.connection.request(method, target, body=body, headers=headers)
                answer = self.connection.getresponse()
                body = answer.read()
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # The server may close a connection between two requests, and once only.
                self.connection.close()
                if last_try:
                    raise
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, body)

    def close(self):
        self.connection.close()
