"""For every constraint of the model, requests that break it and nothing else."""

import copy
import dataclasses
import json
import urllib.parse

from model import SHAPES, fits_length, is_secret, matches, sample

BODY = "The request body"
BODY_BYTES_MAX = 1 << 20
INTEGERS_BEYOND_32_BITS = [2**31, -(2**31) - 1, 2**53, 2**63, 2**64, -(2**63) - 1]


class Raw(str):
    """JSON text as it stands."""


class Twice(dict):
    """An object that has the key `twice` twice."""

    def __init__(self, entries, twice):
        super().__init__(entries)
        self.twice = twice


@dataclasses.dataclass
class Broken:
    """A value that breaks one constraint."""

    value: object
    kind: str
    # What the refusal has to say of the rule.
    words: list
    # Where in the value the fault is: as the refusal spells it, and as `model.constraints` does.
    # It is None when the body is not JSON any more.
    at: str | None = ""
    path: str = ""
    # The offending text or number, if the sender may read it back; if not, what must not be there.
    shown: str | None = None
    hidden: str | None = None


@dataclasses.dataclass
class Case:
    """A request that must be refused."""

    operation: object
    member: str
    path: str
    kind: str
    method: str
    target: str
    body: bytes
    words: list
    shown: str | None = None
    hidden: str | None = None

    def __str__(self):
        return f"{self.operation} {self.member} {self.kind}: {self.method} {self.target[:120]} {self.body[:200]!r}"


def dumps(value):
    """JSON, with `Raw` and `Twice` as they are."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        entries = list(value.items())
        if isinstance(value, Twice):
            entries.append((value.twice, value[value.twice]))
        return "{" + ",".join(f"{json.dumps(key)}:{dumps(it)}" for key, it in entries) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value)


# Values.


def broken_values(name):
    """Every way to break one constraint of a shape in a JSON body."""
    shape = SHAPES[name]
    yield from wrong_types(shape)
    yield from {
        "structure": broken_structures,
        "list": broken_lists,
        "map": broken_maps,
        "string": broken_texts,
        "integer": broken_numbers,
        "float": broken_numbers,
        "boolean": lambda _: [],
        "timestamp": broken_timestamps,
    }[shape["type"]](shape)


EXPECTED = {
    "structure": "an object",
    "map": "an object",
    "list": "a list",
    "string": "a string",
    "timestamp": "a string",
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
}


def wrong_types(shape):
    kind = shape["type"]
    other = {
        "string": "hunter2-hunter2",
        "integer": 7,
        "float": 1.25,
        "boolean": True,
        "structure": {"Unknown": "hunter2-hunter2"},
        "list": ["hunter2-hunter2"],
    }
    same = {"map": "structure", "timestamp": "string"}.get(kind, kind)
    for found, value in other.items():
        if found == same or (kind == "float" and found == "integer"):
            continue
        scalar = kind not in ("structure", "list", "map")
        shown = hidden = None
        if isinstance(value, str) and scalar and not is_secret(shape):
            shown = json.dumps(value)
        elif isinstance(value, (str, list, dict)):
            hidden = "hunter2"
        yield Broken(value, "type", ["must be", EXPECTED[kind]], shown=shown, hidden=hidden)


def below(outer, inner):
    return None if inner is None else outer + inner


def broken_structures(shape):
    whole = {key: sample(member["shape"], True) for key, member in shape["members"].items()}
    for key, member in shape["members"].items():
        if key in shape.get("required", []):
            without = {it: value for it, value in whole.items() if it != key}
            for value in (without, without | {key: None}, without | {key.swapcase(): whole[key]}):
                yield Broken(value, "required", ["is required and absent", "add it"], f".{key}", f".{key}")
        yield Broken(Twice(whole, key), "twice", ["once"], f".{key}", f".{key}")
        for broken in broken_values(member["shape"]):
            yield dataclasses.replace(
                broken,
                value=whole | {key: broken.value},
                at=below(f".{key}", broken.at),
                path=f".{key}{broken.path}",
            )


def broken_lists(shape):
    element = shape["member"]["shape"]
    least, most = shape.get("min", 0), shape.get("max")
    bounds = [str(it) for it in (least, most) if it]
    if least > 0:
        yield Broken([sample(element, True)] * (least - 1), "min", ["entries", "more", *bounds])
    if most is not None:
        for count in (most + 1, most * 10 + 10):
            yield Broken([sample(element, True)] * count, "max", ["entries", "fewer", *bounds])
    good = [sample(element, True) for _ in range(max(least, 1))]
    for at in {0, len(good) - 1}:
        yield Broken(
            [None if it == at else value for it, value in enumerate(good)],
            "null",
            ["must be", "not null"],
            f"[{at}]",
            "[]",
        )
    last = len(good) - 1
    for broken in broken_values(element):
        yield dataclasses.replace(
            broken, value=good[:last] + [broken.value], at=below(f"[{last}]", broken.at), path=f"[]{broken.path}"
        )


def broken_maps(shape):
    value = shape["value"]["shape"]
    good = sample(value, True)
    for count in (shape["max"] + 1, shape["max"] * 10):
        many = {f"key {it}": good for it in range(count)}
        yield Broken(many, "max", ["entries", "fewer", str(shape["max"])], hidden="key 1")
    # The keys may be secrets, so they are told by number.
    yield Broken(Twice({"hunter2": good}, "hunter2"), "twice", ["once"], "{a key}", "{}", hidden="hunter2")
    for broken in broken_values(value):
        yield dataclasses.replace(
            broken,
            value={"a key": good, "key": broken.value},
            at=below("{entry 1}", broken.at),
            path=f"{{}}{broken.path}",
        )


def text_candidates(shape):
    good = sample_text(shape)
    yield from ["", " ", "\t", "!", "é", "\u0000", "a", "A", "0", "-", "a  b!", "{}", "🎺", "\u2028", "899"]
    yield from [good + "\n", good + "!", "!" + good, good + " ", good.swapcase(), good * 2, good[:-1], "\n" + good]
    if "max" in shape:
        yield from [(good * shape["max"])[: shape["max"] + 1], "é" * (shape["max"] + 1), "8" * (shape["max"] * 2)]
    if "pattern" in shape:
        yield "x" * 5000 + "!\n"


def sample_text(shape):
    return next(it for it in (shape.get("enum") or ["x"]) if it) if "enum" in shape else sample_of(shape)


def sample_of(shape):
    name = next(name for name, it in SHAPES.items() if it is shape)
    return sample(name, True)


def broken_texts(shape):
    seen = set()
    for text in text_candidates(shape):
        if text in seen:
            continue
        seen.add(text)
        kind, words = fault_of_text(shape, text)
        if kind:
            yield text_fault(shape, text, kind, words)


def fault_of_text(shape, text):
    """The constraint that a text breaks, and what the refusal says of it; (None, None) if it breaks none."""
    if "enum" in shape:
        return (None, None) if text in shape["enum"] else ("enum", ["must be one of", *shape["enum"]])
    if not fits_length(shape, text):
        kind = "min" if len(text) < shape.get("min", 0) else "max"
        bounds = [str(shape[it]) for it in ("min", "max") if shape.get(it)]
        return kind, ["characters", str(len(text)), *bounds]
    if not matches(shape, text):
        return "pattern", ["must match the pattern", shape["pattern"]]
    return None, None


def text_fault(shape, text, kind, words):
    plain = text.isascii() and text.isprintable() and '"' not in text
    if is_secret(shape):
        return Broken(text, kind, words, hidden=text if len(text) > 20 else None)
    return Broken(text, kind, words, shown=f'"{text[:40]}' if plain else None)


def broken_numbers(shape):
    least, most = shape.get("min"), shape.get("max")
    bounds = [str(it) for it in (least, most) if it is not None]
    if least is not None:
        for value in (least - 1, -(2**31)):
            yield Broken(value, "min", [*bounds, "number"], shown=str(value))
    if most is not None:
        for value in (most + 1, 2**31 - 1):
            yield Broken(value, "max", [*bounds, "number"], shown=str(value))
    for value in INTEGERS_BEYOND_32_BITS:
        yield Broken(value, "32 bits", ["must be"])
    for text in ("1e400", "-1e400", "NaN", "Infinity", "-Infinity", "01", "+1", ".5", "1.", "0x10", "1_000"):
        yield Broken(Raw(text), "not JSON", ["is not JSON"], at=None)
    if shape["type"] == "float":
        for text in ("-0.0001", "1.0001", "1e300", "-1e300"):
            yield Broken(Raw(text), "range", [*bounds, "number"])
    else:
        for text in ("1.5", "1e2", "1E2", "100000000000000000000", "-100000000000000000000"):
            yield Broken(Raw(text), "whole", ["must be"])


def broken_timestamps(shape):
    for text in ("", "yesterday", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "1700000000", "2026-11-23T25:00:00Z"):
        yield Broken(text, "timestamp", ["ISO 8601"])


# Requests.


def encoded(text):
    return urllib.parse.quote(text, safe="")


def plain(value):
    return value if isinstance(value, str) else json.dumps(value)


class Draft:
    """A request under construction, valid until a test changes a part of it."""

    def __init__(self, operation, whole=True):
        self.operation = operation
        self.labels, self.query, self.document = {}, [], {}
        if operation.selector:
            self.query.append(tuple(operation.selector.split("=")))
        for name, shape, location, wire in operation.members():
            if not whole and name not in operation.required:
                continue
            value = sample(shape, whole)
            if location == "uri":
                self.labels[wire] = encoded(plain(value))
            elif location == "querystring":
                self.query.append((wire, encoded(plain(value))))
            else:
                self.document[name] = value

    def copy(self):
        return copy.deepcopy(self)

    @property
    def target(self):
        path = self.operation.path
        for name, value in self.labels.items():
            path = path.replace("{" + name + "}", value)
        query = "&".join(f"{key}={value}" for key, value in self.query)
        return path + ("?" + query if query else "")

    @property
    def body(self):
        return dumps(self.document).encode() if self.operation.has_body else b""

    def case(self, member, path, kind, words, body=None, shown=None, hidden=None):
        return Case(
            self.operation,
            member,
            path,
            kind,
            self.operation.method,
            self.target,
            self.body if body is None else body,
            words,
            shown,
            hidden,
        )


def cases(operation):
    """Every violating request of an operation."""
    yield from selector_cases(operation)
    for name, shape, location, wire in operation.members():
        if location == "body":
            yield from body_member_cases(operation, name, shape)
        elif location == "querystring":
            yield from query_cases(operation, name, SHAPES[shape], wire)
        else:
            yield from label_cases(operation, name, SHAPES[shape], wire)
    if operation.has_body:
        yield from body_cases(operation)


def body_member_cases(operation, name, shape):
    draft = Draft(operation)
    whole = draft.document
    if name in operation.required:
        without = {key: value for key, value in whole.items() if key != name}
        for document in (without, without | {name: None}, without | {name.swapcase(): whole[name]}):
            draft.document = document
            yield draft.case(name, name, "required", ["is required and absent", "add it to the JSON body"])
    draft.document = Twice(whole, name)
    yield draft.case(name, name, "twice", ["once"])
    for broken in broken_values(shape):
        draft.document = whole | {name: broken.value}
        member = BODY if broken.at is None else name + broken.at
        yield draft.case(
            member, name + broken.path, broken.kind, broken.words, shown=broken.shown, hidden=broken.hidden
        )


def text_of_scalar(shape, where):
    """Texts that stand for no value of a shape in a path or query."""
    kind = shape["type"]
    if kind in ("string", "timestamp"):
        for broken in broken_texts(shape):
            # Without a value there is no segment, and another operation's path.
            if not (where == "label" and broken.value in ("", ".", "..")):
                yield broken
    elif kind == "boolean":
        for text in ("", "1", "0", "TRUE", "True", "yes", "null", " true"):
            yield Broken(text, "type", ["must be", "true or false"])
    else:
        for text in ("", "abc", "1.5", "1e2", "+5", " 5", "5 ", "0x10", "1_0", "NaN", "Infinity", "null", "٣", "--1", "-"):
            yield Broken(text, "type", ["must be", "number"])
        for number in (*INTEGERS_BEYOND_32_BITS, 10**30, 10**60):
            yield Broken(str(number), "32 bits", ["must be"])
        if "min" in shape:
            yield Broken(str(shape["min"] - 1), "min", [str(shape["min"])], shown=str(shape["min"] - 1))
        if "max" in shape:
            yield Broken(str(shape["max"] + 1), "max", [str(shape["max"])], shown=str(shape["max"] + 1))


BAD_ENCODINGS = ["%ff", "%c0%80", "%ed%a0%80", "a%e2%82", "%", "%4", "%zz"]


def query_cases(operation, name, shape, wire):
    draft = Draft(operation)
    rest = [pair for pair in draft.query if pair[0] != wire]
    if name in operation.required:
        draft.query = rest
        yield draft.case(name, name, "required", ["is required and absent", f"{wire}="])
    for broken in text_of_scalar(shape, "query"):
        draft.query = [*rest, (wire, encoded(broken.value))]
        yield draft.case(name, name, broken.kind, broken.words, shown=broken.shown, hidden=broken.hidden)
    good = encoded(plain(sample_of(shape)))
    draft.query = [*rest, (wire, good), (wire, good)]
    yield draft.case(name, name, "twice", ["once"])
    for bad in BAD_ENCODINGS:
        draft.query = [*rest, (wire, bad)]
        yield draft.case(name, name, "encoding", ["percent-encode"])


def label_cases(operation, name, shape, wire):
    draft = Draft(operation)
    draft.labels[wire] = ""
    yield draft.case(name, name, "required", ["is required and empty"])
    for broken in text_of_scalar(shape, "label"):
        draft.labels[wire] = encoded(broken.value)
        yield draft.case(name, name, broken.kind, broken.words, shown=broken.shown, hidden=broken.hidden)
    for bad in BAD_ENCODINGS:
        draft.labels[wire] = bad
        yield draft.case(name, name, "encoding", ["percent-encode"])


def selector_cases(operation):
    """The query key that tells apart the operations of one method and path."""
    if not operation.selector:
        return
    key, _, value = operation.selector.partition("=")
    draft = Draft(operation)
    rest = [pair for pair in draft.query if pair[0] != key]
    for bad in ("", "no-such-operation", value.upper(), value + "%20"):
        draft.query = [(key, bad), *rest]
        yield draft.case("", "", "selector", [f"{key}=", value])
    draft.query = [(key, value), (key, value), *rest]
    yield draft.case("", "", "selector", [key, "once"])


def body_cases(operation):
    """Bodies that are no JSON object, too large, too deep, or not UTF-8."""
    draft = Draft(operation)
    first = next(iter(draft.document))
    key = json.dumps(first).encode()
    whole = draft.body

    not_json = [
        b"{",
        b"}",
        b"nonsense",
        b"{} {}",
        whole + b"x",
        whole[:-1],
        whole[:-1] + b",}",
        b"{'a':1}",
        b"{a:1}",
        b"{" + key + b":}",
        b"{" + key + b' "x"}',
        b"{/* */}",
        b"{" + key + b':"\x01"}',
        b"{" + key + b':"\\ud800"}',
        b"{" + key + b':"\\x41"}',
        b"{" + key + b':"open',
        b"{" + key + b":nul}",
        b"{" + key + b":[1,]}",
        b"\x00",
        b" ",
        b"\xef\xbb\xbf" + whole,
    ]
    for body in not_json:
        yield draft.case(BODY, "", "not JSON", ["is not JSON", "line", "column"], body)
    for body in (b"null", b"[]", b'"text"', b"7", b"true"):
        yield draft.case(BODY, "", "no object", ["must be an object"], body)
    for body in (b"\xff", b'{"a":"\xff"}', b'{"\xc3":1}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xc0\xaf"}'):
        yield draft.case(BODY, "", "not UTF-8", ["UTF-8", "byte"], body)
    for open_, close in ((b"[", b"]"), (b'{"a":', b"}")):
        for depth in (40, 50_000):
            deep = b"{" + key + b":" + open_ * depth + b"1" + close * depth + b"}"
            yield draft.case(BODY, "", "depth", ["deeper"], deep)
    many = b'{"Unknown":[' + b",".join([b"1"] * (1 << 16)) + b"]}"
    yield draft.case(BODY, "", "nodes", ["values"], many)
    large = b'{"Unknown":"' + b"x" * BODY_BYTES_MAX + b'"}'
    yield draft.case("the request's body", "", "bytes", [str(BODY_BYTES_MAX), "less"], large)
    if any(name in operation.required for name, _, location, _ in operation.members() if location == "body"):
        for body in (b"", b"{}"):
            yield draft.case("", "", "required", ["is required and absent"], body)
