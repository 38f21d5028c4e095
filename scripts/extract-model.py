#!/usr/bin/env python3
"""Derives the facts-only API model from an installed botocore, or checks a committed one against it.

The model that botocore carries mixes interface facts (names, routes, types, constraints) with prose
(documentation, deprecation notices). trunkline commits the facts alone, in canonical key order, so
that a new botocore shows up as a small readable difference.

    scripts/extract-model.py                          print the facts of the installed botocore
    scripts/extract-model.py --output FILE            write them to FILE
    scripts/extract-model.py --check FILE             compare with FILE; exit 1 and say what differs
    scripts/extract-model.py --model service-2.json   read this model instead of the installed one
"""

import argparse
import gzip
import json
import pathlib
import sys

SERVICE = "chime-sdk-voice"
VERSION = "2022-08-03"

# What is kept, level by level. Everything else (documentation, examples, notices) is dropped.
METADATA = {
    "apiVersion", "auth", "endpointPrefix", "protocol", "protocols", "serviceFullName",
    "serviceId", "signatureVersion", "signingName", "uid",
}
OPERATION = {
    "deprecated", "deprecatedSince", "errors", "http", "idempotent", "input", "name", "output",
}
HTTP = {"method", "requestUri", "responseCode"}
REFERENCE = {
    "box", "deprecated", "idempotencyToken", "jsonvalue", "location", "locationName", "sensitive",
    "shape", "streaming", "timestampFormat",
}
SHAPE = {
    "box", "deprecated", "enum", "error", "exception", "fault", "flattened", "max", "min",
    "pattern", "payload", "required", "retryable", "sensitive", "timestampFormat", "type", "union",
}
ERROR = {"code", "httpStatusCode", "senderFault"}


def keep(source, names):
    """The entries of `source` whose key is in `names`."""
    return {key: value for key, value in source.items() if key in names}


def facts_of_operation(operation):
    facts = keep(operation, OPERATION)
    facts["http"] = keep(operation["http"], HTTP)
    for side in ("input", "output"):
        if side in operation:
            facts[side] = keep(operation[side], REFERENCE)
    if "errors" in operation:
        facts["errors"] = [keep(error, REFERENCE) for error in operation["errors"]]
    return facts


def facts_of_shape(shape):
    facts = keep(shape, SHAPE)
    if "error" in shape:
        facts["error"] = keep(shape["error"], ERROR)
    for inner in ("member", "key", "value"):
        if inner in shape:
            facts[inner] = keep(shape[inner], REFERENCE)
    if "members" in shape:
        facts["members"] = {
            name: keep(member, REFERENCE) for name, member in shape["members"].items()
        }
    return facts


def facts_of(model):
    """The whole model reduced to interface facts."""
    return {
        "metadata": keep(model["metadata"], METADATA),
        "operations": {
            name: facts_of_operation(operation) for name, operation in model["operations"].items()
        },
        "shapes": {name: facts_of_shape(shape) for name, shape in model["shapes"].items()},
    }


def canonical(facts):
    """One spelling per model: keys sorted, one space of indent, a final newline."""
    return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def read_json(path):
    """Reads plain or gzip-compressed JSON."""
    data = pathlib.Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return json.loads(data)


def installed_model():
    """The path of the model inside the botocore that this interpreter can import."""
    try:
        import botocore
    except ImportError:
        sys.exit("extract-model: botocore is not installed for this interpreter; "
                 "install it (`pip install botocore`) or pass --model FILE")
    folder = pathlib.Path(botocore.__file__).parent / "data" / SERVICE / VERSION
    for name in ("service-2.json", "service-2.json.gz"):
        if (folder / name).is_file():
            return folder / name, f"botocore {botocore.__version__}"
    sys.exit(f"extract-model: botocore {botocore.__version__} carries no {SERVICE} {VERSION} model; "
             "install a botocore that does (1.29 or later)")


def differences(path, committed, derived):
    """Yields one line per place where the two trees differ, deepest place named."""
    if isinstance(committed, dict) and isinstance(derived, dict):
        for key in sorted(set(committed) | set(derived)):
            place = f"{path}.{key}" if path else key
            if key not in derived:
                yield f"- {place}: only in the committed file: {brief(committed[key])}"
            elif key not in committed:
                yield f"+ {place}: only in the derived model: {brief(derived[key])}"
            else:
                yield from differences(place, committed[key], derived[key])
    elif committed != derived:
        yield f"~ {path}: committed {brief(committed)}, derived {brief(derived)}"


def brief(value):
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 160 else text[:157] + "..."


def check(path, facts, origin):
    """Compares the committed file with `facts`; the exit status of the program."""
    text = pathlib.Path(path).read_text(encoding="ascii")
    committed = json.loads(text)
    found = list(differences("", committed, facts))
    for line in found:
        print(line)
    if found:
        print(f"extract-model: {path} and {origin} differ in {len(found)} places; to take the new "
              f"model run `scripts/extract-model.py --output {path}` and `cargo xtask codegen`",
              file=sys.stderr)
        return 1
    if text != canonical(committed):
        print(f"extract-model: {path} holds the right facts in another spelling; rewrite it with "
              f"`scripts/extract-model.py --output {path}`", file=sys.stderr)
        return 1
    print(f"extract-model: {path} equals {origin}: {len(facts['operations'])} operations, "
          f"{len(facts['shapes'])} shapes")
    return 0


def main():
    parser = argparse.ArgumentParser(
        description="Derive the facts-only API model from botocore, or check a committed one.")
    parser.add_argument("--model", metavar="FILE", help="a service-2.json or service-2.json.gz")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--check", metavar="FILE", help="compare with this committed model")
    target.add_argument("--output", metavar="FILE", help="write the facts here")
    arguments = parser.parse_args()

    if arguments.model:
        source, origin = arguments.model, arguments.model
    else:
        source, origin = installed_model()
    facts = facts_of(read_json(source))

    if arguments.check:
        return check(arguments.check, facts, origin)
    if arguments.output:
        pathlib.Path(arguments.output).write_text(canonical(facts), encoding="ascii")
    else:
        sys.stdout.write(canonical(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
