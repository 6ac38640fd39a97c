#!/usr/bin/env python3
"""Checks formats.json by what docs/protocol.md section 2 says alone: nothing of Curo's own code runs here.

    python3 -m venv venv
    venv/bin/pip install cbor2 cryptography
    venv/bin/python docs/vectors/verify.py

It encodes the fields of each vector, compares the bytes, hashes and ids, and checks every signature with its public key.
It is also an example of a second implementation. Exit code 0: everything agrees.
"""

import base64
import hashlib
import json
import pathlib
import sys

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

unhex = bytes.fromhex


def cbor(value):
    """Deterministic CBOR (RFC 8949 section 4.2.1)."""
    return cbor2.dumps(value, canonical=True)


def present(numbered):
    """A map without its absent entries: an absent key is left out, never null."""
    return {key: value for key, value in numbered.items() if value is not None}


def sha256(data):
    return hashlib.sha256(data).digest()


def position(f, *names):
    """`[…]` of fields, or nothing: a cursor or an audit head."""
    return f and [f[name] if isinstance(f[name], int) else unhex(f[name]) for name in names]


def ids(names):
    return names and [unhex(name) for name in names]


def credential(f):
    return {"bytes": cbor({0: 1, 1: f["tenant"], 2: unhex(f["user"]), 3: unhex(f["device"])})}


def authenticated_data(f):
    return {"bytes": cbor(present({
        0: 1, 1: unhex(f["intent"]), 2: f.get("counter"), 3: f.get("directory_version"),
        4: position(f.get("cursor"), "seq", "h"), 5: position(f.get("audit_head"), "chain", "seq", "head"),
        6: ids(f.get("dormant")), 7: ids(f.get("gone")),
    }))}


def content_body(kind, says):
    mentions = says.get("mentions") and [unhex(user) for user in says["mentions"]]
    if kind == "text":
        return present({
            0: says["text"], 1: mentions, 2: {"urgent": 1, "stat": 2}.get(says.get("priority")),
            3: says.get("reply_to"), 4: says.get("thread"),
        })
    if kind in ("edit", "amendment"):
        return present({0: says["text"], 1: mentions})
    if kind == "reaction":
        return {0: says["emoji"], 1: says["set"]}
    assert kind in ("delete", "ack", "purged", "receipt_request") and not says
    return {}


def content(f):
    if "says" in f:
        body = cbor(content_body(f["kind"], f["says"]))
    else:
        body = cbor({0: f["text"]}) if "text" in f else unhex(f["body"])
    references = f.get("references") and [[unhex(r["sender"]), unhex(r["message"])] for r in f["references"]]
    subjects = f.get("subjects") and [[s["system"], s["value"]] for s in f["subjects"]]
    return {"bytes": cbor(present({
        0: 1, 1: f["kind"], 2: unhex(f["message"]), 3: references, 4: subjects, 5: body, 6: f.get("claimed_ms"),
    }))}


def entry_hash(f):
    data = cbor([
        "curo entry v1", f["tenant"], unhex(f["conversation"]), f["incarnation"], f["seq"], unhex(f["h_prev"]),
        f["kind"], f["epoch"], unhex(f["sender"]), unhex(f["intent"]), f["directory_version"],
        sha256(unhex(f["body"])), f["time_ms"],
    ])
    return {"bytes": data, "h": sha256(data)}


def signed_tip(f):
    return {"bytes": cbor([
        "curo tip v1", unhex(f["store"]), f["tenant"], unhex(f["conversation"]), f["incarnation"], f["seq"],
        unhex(f["h"]), f["time_ms"],
    ])}


def log_key_statement(f):
    return {"bytes": cbor(["curo log key v1", f["tenant"], unhex(f["log_key"])])}


def account_statement(f):
    return {"bytes": cbor(["curo account v1", f["tenant"], unhex(f["user"]), f["subject"]])}


def signer(s):
    """`[0, []]` the directory, `[1, [suite]]` the envelope's own key, `[2, [device, suite]]` another device."""
    if s == "directory":
        return [0, []]
    return [1, [s["suite"]]] if "device" not in s else [2, [unhex(s["device"]), s["suite"]]]


def approval(a):
    return [0, []] if a == "directory" else [1, [unhex(a["device"]), a["suite"]]]


def directory_envelope(f):
    body = cbor(present({
        0: 1, 1: f["tenant"], 2: unhex(f["user"]), 3: unhex(f["device"]),
        4: ["add", "rotate", "revoke"].index(f["action"]),
        5: [[k["suite"], unhex(k["public_key"])] for k in f["keys"]],
        6: f.get("dpop_key"), 7: f.get("audit_chain") and unhex(f["audit_chain"]),
        8: approval(f["approval"]), 9: f.get("previous") and unhex(f["previous"]),
    }))
    envelope = cbor([body, [[signer(s["signer"]), unhex(s["signature"])] for s in f["signatures"]]])
    return {"body": body, "signed": cbor(["curo directory v1", body]), "bytes": envelope, "hash": sha256(envelope)}


def access(f):
    if f is None:
        return None
    behalf = f.get("on_behalf_of") and unhex(f["on_behalf_of"])
    return present({0: f["purpose_of_use"], 1: f.get("role"), 2: f.get("reason_code"), 3: behalf})


def request_context(f):
    device = f.get("device") and unhex(f["device"])
    data = cbor(present({0: 1, 1: device, 2: position(f.get("audit_head"), "chain", "seq", "head"),
                         3: access(f.get("access"))}))
    return {"bytes": data, "header": base64.urlsafe_b64encode(data).rstrip(b"=").decode()}


def leave_request(f):
    body = cbor({
        0: 1, 1: f["tenant"], 2: unhex(f["conversation"]), 3: f["incarnation"], 4: unhex(f["user"]),
        5: unhex(f["device"]), 6: f["suite"], 7: unhex(f["intent"]), 8: f["seq"],
    })
    return {"body": body, "signed": cbor(["curo leave v1", body]), "bytes": cbor([body, unhex(f["signature"])])}


def direct_conversation_id(f):
    data = cbor(["curo direct v1", f["tenant"], *sorted(unhex(user) for user in f["users"])])
    return {"bytes": data, "id": sha256(data)[:16]}


def receipt(f):
    place = [f["tenant"], unhex(f["conversation"]), f["incarnation"], f["epoch"], unhex(f["device"])]
    plain = cbor({0: 1, 1: f["seq"].to_bytes(8), 2: f["read_ms"].to_bytes(8), 3: unhex(f["signature"])})
    associated = cbor(["curo receipt seal v1", *place])
    sealed = unhex(f["nonce"]) + AESGCM(unhex(f["epoch_key"])).encrypt(unhex(f["nonce"]), plain, associated)
    signed = cbor(["curo receipt v1", *place, f["seq"], f["read_ms"]])
    return {"bytes": plain, "signed": signed, "associated": associated, "sealed": sealed}


def conversation_state(f):
    subjects = lambda name: f.get(name) and [[s["system"], s["value"]] for s in f[name]]
    users = lambda name: f.get(name) and [[unhex(u["user"]), u["text"]] for u in f[name]]
    return {"bytes": cbor(present({
        0: 1, 1: position(f.get("as_of"), "incarnation", "seq"), 2: f.get("title"), 3: subjects("bound"),
        4: subjects("unbound"), 5: users("roles"), 6: users("names"),
        7: ids(f.get("dormant")),
    }))}


FORMATS = {f.__name__: f for f in (
    credential, authenticated_data, content, entry_hash, signed_tip, log_key_statement, account_statement,
    directory_envelope,
    request_context, leave_request, direct_conversation_id, receipt, conversation_state,
)}


def signatures(format_name, fields, made):
    """(name of the key, message, signature) of all that is signed."""
    if format_name in ("signed_tip", "log_key_statement", "account_statement"):
        yield fields["signed_by"], made["bytes"], unhex(fields["signature"])
    if format_name == "leave_request":
        yield fields["signed_by"], made["signed"], unhex(fields["signature"])
    if format_name == "directory_envelope":
        for s in fields["signatures"]:
            yield s["signed_by"], made["signed"], unhex(s["signature"])
    if format_name == "receipt":
        yield fields["signed_by"], made["signed"], unhex(fields["signature"])


def main():
    document = json.loads(pathlib.Path(__file__).with_name("formats.json").read_text())
    keys, failures, checked = document["keys"], [], 0
    for name, key in keys.items():
        private = Ed25519PrivateKey.from_private_bytes(unhex(key["seed"]))
        if private.public_key().public_bytes_raw().hex() != key["public"]:
            failures.append(f"key {name}")
    for format_name, vectors in document["vectors"].items():
        for vector in vectors:
            where = f"{format_name}: {vector['name']}"
            made = FORMATS[format_name](vector["fields"])
            for output, value in made.items():
                checked += 1
                if (value.hex() if isinstance(value, bytes) else value) != vector[output]:
                    failures.append(f"{where}: {output}")
            for key, message, signature in signatures(format_name, vector["fields"], made):
                checked += 1
                try:
                    Ed25519PublicKey.from_public_bytes(unhex(keys[key]["public"])).verify(signature, message)
                except Exception:
                    failures.append(f"{where}: signature by {key}")
    failures += [f"{name}: no vector" for name in FORMATS if not document["vectors"].get(name)]
    print("\n".join(failures) or f"{checked} outputs and signatures agree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
