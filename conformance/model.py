"""The committed model of the API, read for what it demands and for values that meet it."""

import functools
import json
import pathlib
import re

DOCUMENT = json.loads(
    (pathlib.Path(__file__).parent.parent / "api-model/chime-sdk-voice-2022-08-03.json").read_text()
)
SHAPES = DOCUMENT["shapes"]

# A text for each pattern of the model. A new pattern fails here until it has its sample.
SAMPLES = [
    "x",
    "US",
    "206",
    "844",
    "+12065550100",
    "dr3rbaar376u5r4ntcnlq4",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "arn:aws:chime:us-east-1:000000000000:vc/abc",
    "arn:aws:lambda:us-east-1:000000000000:function:answer",
    "amzn1.application-oa2-client.00112233445566778899aabbccddeeff",
    "call-records",
    "Some name",
]


class Operation:
    """One operation with its request line taken apart."""

    def __init__(self, description):
        self.name = description["name"]
        http = description["http"]
        self.method = http["method"]
        self.status = http.get("responseCode", 200)
        self.path, _, self.selector = http["requestUri"].partition("?")
        self.errors = [it["shape"] for it in description["errors"]]
        self.input = description.get("input", {}).get("shape")
        self.output = description.get("output", {}).get("shape")

    def __repr__(self):
        return self.name

    def members(self):
        """The members of the input: name, its shape's name, where it travels, its name there."""
        if not self.input:
            return
        for name, member in SHAPES[self.input]["members"].items():
            yield name, member["shape"], member.get("location", "body"), member.get("locationName", name)

    @property
    def required(self):
        return SHAPES[self.input].get("required", []) if self.input else []

    @property
    def has_body(self):
        return any(location == "body" for _, _, location, _ in self.members())


OPERATIONS = {name: Operation(it) for name, it in sorted(DOCUMENT["operations"].items())}


def is_secret(shape):
    """A value marked sensitive that may be any text may be a secret; a narrow pattern identifies."""
    return bool(shape.get("sensitive")) and shape.get("pattern") in (None, r".*\S.*")


@functools.cache
def pattern(source):
    # `*${2,64}` repeats the anchor, which Python refuses to read; once is as good as often.
    return re.compile(rf"\A(?:{source.replace('*${2,64}', '*$')})\Z", re.ASCII)


def matches(shape, text):
    return "pattern" not in shape or pattern(shape["pattern"]).search(text) is not None


def fits_length(shape, text):
    return shape.get("min", 0) <= len(text) <= shape.get("max", len(text))


def sample(name, whole):
    """A value that meets every constraint; with all members if `whole`, else the required ones."""
    shape = SHAPES[name]
    kind = shape["type"]
    if kind == "structure":
        required = shape.get("required", [])
        return {
            key: sample(member["shape"], whole)
            for key, member in shape["members"].items()
            if whole or key in required
        }
    if kind == "list":
        count = max(shape.get("min", 1), 1)
        return [sample(shape["member"]["shape"], whole) for _ in range(count)]
    if kind == "map":
        return {"key": sample(shape["value"]["shape"], whole)}
    if kind == "string":
        if "enum" in shape:
            return shape["enum"][0]
        return next(it for it in SAMPLES if matches(shape, it) and fits_length(shape, it))
    return {
        "integer": shape.get("min", 1),
        "float": 0.5,
        "boolean": True,
        "timestamp": "2026-11-23T10:11:12.345Z",
    }[kind]


def constraints(operation):
    """Every constraint on every value of an input: (path of the value, name of the constraint)."""

    def within(path, name):
        shape = SHAPES[name]
        yield path, "type"
        for kind in ("min", "max", "pattern", "enum"):
            if kind in shape and not (kind == "min" and shape["min"] == 0 and shape["type"] in ("string", "list", "map")):
                yield path, kind
        if shape["type"] == "structure":
            for key, member in shape["members"].items():
                if key in shape.get("required", []):
                    yield f"{path}.{key}", "required"
                yield from within(f"{path}.{key}", member["shape"])
        if shape["type"] == "list":
            yield from within(f"{path}[]", shape["member"]["shape"])
        if shape["type"] == "map":
            yield from within(f"{path}{{}}", shape["value"]["shape"])

    for name, shape, location, _ in operation.members():
        if name in operation.required:
            yield name, "required"
        for path, kind in within(name, shape):
            # Paths and queries carry text, so text cannot be of another type there.
            text = SHAPES[shape]["type"] in ("string", "timestamp")
            if location != "body" and kind == "type" and text:
                continue
            # A label of no characters is no label: that is the constraint "required".
            if location == "uri" and kind == "min" and SHAPES[shape]["min"] == 1:
                continue
            yield path, kind
