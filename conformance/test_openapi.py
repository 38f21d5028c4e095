"""The OpenAPI documents: valid, and true of what the service answers."""

import json
import pathlib
import urllib.error
import urllib.request

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from account import Account
from model import OPERATIONS
from raw_http import Wire
from trunkline_server import Server
from violations import Draft, cases, encoded, plain

COMMITTED = pathlib.Path(__file__).parent.parent / "docs/openapi"
NAMES = ["chime-sdk-voice", "operator"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("openapi")) as running:
        yield running


def fetched(server, name, headers=()):
    """A document as a stranger gets it."""
    request = urllib.request.Request(f"{server.endpoint}/openapi/{name}.json", headers=dict(headers))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, answer.read()


@pytest.fixture(scope="module")
def documents(server):
    return {name: json.loads(fetched(server, name)[1]) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_valid_and_the_committed_one(server, documents, name):
    validate(documents[name])
    headers, text = fetched(server, name)
    assert text == (COMMITTED / f"{name}.json").read_bytes()
    with pytest.raises(urllib.error.HTTPError) as unchanged:
        fetched(server, name, {"If-None-Match": headers["ETag"]})
    assert unchanged.value.code == 304


def validator(document, schema):
    """A schema of a document, with the document's own references."""
    return Draft202012Validator(
        schema | {"components": document["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def resolved(document, part):
    while "$ref" in part:
        at = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        part = at
    return part


def check_answer(document, operation, status, headers, body):
    """Asserts that an answer is one that the document has for an operation."""
    responses = operation["responses"]
    assert str(status) in responses or "default" in responses, f"{operation['operationId']} has no {status}"
    response = resolved(document, responses.get(str(status), responses.get("default")))
    for name, header in response["headers"].items():
        value = {key.lower(): it for key, it in headers.items()}.get(name.lower())
        assert value is not None, f"{operation['operationId']}: {status} without {name}"
        validator(document, resolved(document, header)["schema"]).validate(value)
    if "content" not in response:
        assert not body, f"{operation['operationId']}: {status} has a body"
        return
    [(media, content)] = response["content"].items()
    if media == "application/json":
        validator(document, content["schema"]).validate(json.loads(body))


def of_operation(document, operation):
    return document["paths"][operation.path][operation.method.lower()]


def body_schema(document, operation):
    """The schema of one operation's body, also where several share a method and a path."""
    described = of_operation(document, operation)
    for one in described.get("x-operations", []):
        if one["name"] == operation.name:
            return one["requestBody"]
    return described["requestBody"]["content"]["application/json"]["schema"]


def request(operation, members):
    """A request of these members, as it goes on the wire."""
    draft = Draft(operation, whole=False)
    for name, _, location, wire in operation.members():
        if name in members and location == "uri":
            draft.labels[wire] = encoded(plain(members[name]))
        elif name in members and location == "querystring":
            draft.query = [pair for pair in draft.query if pair[0] != wire]
            draft.query.append((wire, encoded(plain(members[name]))))
        elif name in members:
            draft.document[name] = members[name]
    return draft


def test_what_the_96_operations_take_and_answer_fits_their_document(server, documents):
    document, wire = documents["chime-sdk-voice"], Wire(server)
    account, served = Account(server, server.client()), set()
    for name, members in account.requests().items():
        operation = OPERATIONS[name]
        draft = request(operation, members)
        if draft.document:
            validator(document, body_schema(document, operation)).validate(draft.document)
        answer = wire.send(operation.method, draft.target, draft.body)
        check_answer(document, of_operation(document, operation), answer.status, answer.headers, answer.body)
        if answer.status < 300:
            served.add(name)
    assert len(served) >= 80, set(OPERATIONS) - served
    wire.close()


# What JSON Schema can say; the rest is about bytes, keys given twice, and 32 bits.
SAYABLE = {"type", "required", "min", "max", "pattern", "enum", "null", "range", "no object"}


def test_the_schemas_refuse_every_body_that_the_service_refuses(documents):
    document, refused = documents["chime-sdk-voice"], 0
    for operation in OPERATIONS.values():
        if not operation.has_body:
            continue
        judge = validator(document, body_schema(document, operation))
        good = Draft(operation).body
        judge.validate(json.loads(good))
        for case in cases(operation):
            # Whatever is wrong in the path or the query, its body is the good one. Python's `$` also
            # matches before a last line feed; that of JSON Schema (ECMA-262) does not.
            if case.kind in SAYABLE and case.body not in (good, b"") and b'\\n"' not in case.body:
                assert not judge.is_valid(json.loads(case.body)), f"{case}"
                refused += 1
    assert refused > 1_500


def test_what_the_operator_api_answers_fits_its_document(server, documents):
    document, wire, seen = documents["operator"], Wire(server), set()

    def ask(method, template, label="", query="", body=None):
        described = document["paths"][template][method.lower()]
        text = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            schema = described["requestBody"]["content"]["application/json"]["schema"]
            validator(document, schema).validate(body)
        path = "/".join(label if step.startswith("{") else step for step in template.split("/"))
        answer = wire.send(method, path + (f"?{query}" if query else ""), text)
        check_answer(document, described, answer.status, answer.headers, answer.body)
        seen.add((method.lower(), template))
        return answer

    key = ask("POST", "/operator/keys", body={"name": "openapi"}).json["key"]["access_key_id"]
    for deed in ("disable", "enable"):
        assert ask("POST", f"/operator/keys/{{id}}/{deed}", key).status == 200
    assert ask("DELETE", "/operator/keys/{id}", key).status == 204
    carrier = {"name": "openapi", "host": "198.51.100.9", "port": 5060}
    assert ask("POST", "/operator/carriers", body=carrier).status == 201
    assert ask("GET", "/operator/carriers/{name}", "openapi").status == 200
    assert ask("GET", "/operator/carriers").json["carriers"]
    assert ask("DELETE", "/operator/carriers/{name}", "openapi").status == 204
    assert ask("POST", "/operator/numbers", body={"numbers": ["+12065553190"]}).status == 201
    assert ask("GET", "/operator/numbers", query="free=true&max-results=2").json["numbers"]
    assert ask("DELETE", "/operator/numbers/{number}", "%2B12065553190").status == 204
    # Everything else that can be asked without naming what there is: served, or refused as described.
    for template, item in document["paths"].items():
        for method in item:
            if (method, template) not in seen:
                ask(method.upper(), template, "absent", "call=absent" if "call" in str(item) else "")
    assert seen == {(method, template) for template, item in document["paths"].items() for method in item}
    wire.close()
