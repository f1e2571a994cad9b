#!/usr/bin/python3
"""
Makes messages.json: classic messages, valid and wrong in every way, by an implementation of its own.

    /usr/bin/python3 generate.py            writes messages.json
    /usr/bin/python3 generate.py --check    says whether messages.json is what this script makes

Everything random comes from one seed, so that the file is the same each time; the keys are for tests only.
Needs PyCryptodome (Debian: python3-pycryptodome).
"""

import base64
import hashlib
import json
import os
import sys

sys.dont_write_bytecode = True

import suite
from suite import PKCS1_OAEP, PKCS1_v1_5, RSA, SHA1, SHA256, SHA512, b64, pkcs1_15


class Stream:
    """SHA-256 of seed and counter."""

    def __init__(self, seed):
        self.seed, self.counter, self.rest = seed, 0, b""

    def __call__(self, length):
        while len(self.rest) < length:
            self.rest += hashlib.sha256(self.seed + self.counter.to_bytes(8, "big")).digest()
            self.counter += 1
        taken, self.rest = self.rest[:length], self.rest[length:]
        return taken


DAY = 86_400
NOW = 1_795_464_000
MAX_AGE = 91 * DAY
SKEW = 300
GRACE = DAY

random = Stream(b"sotto classic vectors 1")
key_names = [
    "ann-revoked", "ann-retired", "ann-current", "ann-lost-device", "ben-current", "ben-retired", "ben-revoked", "mallory"
]
KEYS = {name: RSA.generate(2048, randfunc=Stream(b"sotto classic key " + name.encode())) for name in key_names}

ANN = "a1" * 16
BEN = "b2" * 16
MALLORY = "c3" * 16
ANN_1 = f"{ANN}.{'a11a' * 8}"
ANN_LOST = f"{ANN}.{'a22a' * 8}"
ANN_UNLISTED = f"{ANN}.{'a99a' * 8}"
BEN_1 = f"{BEN}.{'b11b' * 8}"
BEN_2 = f"{BEN}.{'b22b' * 8}"

# Ann's device list, as her contacts know it. 0: not retired, not revoked.
DEVICES = [
    {
        "address": ANN_1,
        "revoked_at": 0,
        "keys": [
            {"name": "ann-revoked", "added_at": NOW - 100 * DAY, "retired_at": 0, "revoked_at": NOW - 20 * DAY},
            {"name": "ann-retired", "added_at": NOW - 20 * DAY, "retired_at": NOW - 10 * DAY, "revoked_at": 0},
            {"name": "ann-current", "added_at": NOW - 10 * DAY, "retired_at": 0, "revoked_at": 0},
        ],
    },
    {
        "address": ANN_LOST,
        "revoked_at": NOW - 15 * DAY,
        "keys": [{"name": "ann-lost-device", "added_at": NOW - 100 * DAY, "retired_at": 0, "revoked_at": 0}],
    },
]

HELLO = json.dumps({"type": "text", "body": "Hello, Ben"}).encode()


def protect(plaintext=HELLO, sender=ANN_1, recipient=BEN_1, to="ben-current", by="ann-current", timestamp=NOW - 60, **odd):
    """One message as a dictionary. `odd` replaces a step, to make what must be refused."""
    aes_key = random(odd.get("aes_key_bytes", 32))
    iv = random(16)
    content = iv + suite.cfb(aes_key, iv).encrypt(plaintext)
    wrap = odd.get("wrap", lambda key, secret: suite.wrap(key, secret, random))
    message = {
        "sender_id": sender,
        "recipient_id": recipient,
        "encrypted_content": b64(odd.get("content", content)),
        "encrypted_aes_key": b64(wrap(KEYS[to].public_key(), aes_key)),
        "signature": "",
        "timestamp": timestamp,
    }
    message.update(odd.get("before_signing", {}))
    to_sign = odd.get("to_sign", suite.canonical)(message)
    sign = odd.get("sign", lambda key, data: suite.sign(key, data, random))
    message["signature"] = b64(sign(KEYS[by], to_sign))
    return message


def compact(message):
    return json.dumps(message, separators=(",", ":"))


CASES = []


def case(name, expect, text, plaintext=None, **more):
    made = {"name": name, "expect": expect}
    made.update({"message": text} if isinstance(text, str) else {"message_hex": text.hex()})
    if plaintext is not None:
        made["plaintext"] = plaintext.decode("utf-8")
    CASES.append({**made, **more})


def valid(name, plaintext=HELLO, write=compact, **options):
    case(name, "ok", write(protect(plaintext, **options)), plaintext)


def refused(name, code, write=compact, altered=None, **options):
    message = protect(**options)
    message.update(altered or {})
    case(name, code, write(message))


def text(**members):
    return json.dumps({"type": "text", **members}, ensure_ascii=False).encode("utf-8")


def flipped(encoded, byte):
    """The base64 text with one bit of that byte turned."""
    data = bytearray(base64.b64decode(encoded))
    data[byte] ^= 1
    return b64(bytes(data))


def make_valid():
    valid("text of two members")
    full = {"id": "9f86d081884c7d659a2feaa0c55ad015", "from": "+15551230001", "n": 17}
    valid("text with id, from and n", text(body="Grüße, 世界 \U0001f511", **full))
    valid("empty text", text(body=""))
    valid("text of 1 byte more than a block", text(body="x" * (33 - len(text(body="")))))
    valid("long text", text(body="0123456789" * 500))
    valid("text with a member that is not known", text(body="Hello", mood="fine", nested={"a": [1, 2.5, None]}))
    hashes = [b64(hashlib.sha256(bytes([i])).digest()) for i in range(2)]
    valid("receipt: delivered", json.dumps({"type": "receipt", "status": "delivered", "of": hashes[:1]}).encode())
    valid("receipt: read, two", json.dumps({"type": "receipt", "status": "read", "of": hashes, "from": "ann@example.org", "n": 3}).encode())
    valid("typing", json.dumps({"type": "typing", "from": "+15551230001"}).encode())
    valid("type that is not known", json.dumps({"type": "reaction", "emoji": "\U0001f44d", "n": 4}).encode())
    valid("spaces and line ends between members", write=lambda m: json.dumps(m, indent=2) + "\n")
    valid("members in another order", write=lambda m: compact(dict(sorted(m.items(), reverse=True))))
    valid("slashes written as \\/", write=lambda m: compact(m).replace("/", "\\/"))
    valid("letters written as \\u escapes", write=lambda m: compact(m).replace('"sender_id"', '"\\u0073ender_id"'))
    valid("signed by the key before, dated before it was retired", by="ann-retired", timestamp=NOW - 11 * DAY)
    valid("signed by the key before, dated the moment it was retired", by="ann-retired", timestamp=NOW - 10 * DAY)
    valid("signed by the key before, at the end of the grace", by="ann-retired", timestamp=NOW - 10 * DAY + GRACE)
    valid("signed by a revoked key, dated before", by="ann-revoked", timestamp=NOW - 20 * DAY)
    valid("from a revoked device, dated before", sender=ANN_LOST, by="ann-lost-device", timestamp=NOW - 15 * DAY)
    valid("encrypted to the recipient's retired key", to="ben-retired")
    valid("as old as may be", by="ann-revoked", timestamp=NOW - MAX_AGE)
    valid("as far ahead as may be", timestamp=NOW + SKEW)


def make_malformed():
    code = "message_refused"
    whole = compact(protect())
    for name, raw in {
        "nothing": "", "a space": " ", "null": "null", "a number": "17", "a text": '"x"', "an empty object": "{}",
        "an array": f"[{whole}]", "the first half": whole[: len(whole) // 2], "something after it": whole + "x",
        "two messages": whole + whole, "a comma too many": whole[:-1] + ",}", "single quotes": whole.replace('"', "'"),
        "nested deeply": "[" * 2_000, "objects nested deeply": '{"a":' * 1_000,
    }.items():
        case(name, code, raw)
    case("a byte order mark", code, b"\xef\xbb\xbf" + whole.encode())
    case("UTF-16", code, whole.encode("utf-16-le"))
    case("broken UTF-8", code, whole.encode().replace(b"sender_id", b"sender_i\xff"))
    for member in suite.MEMBERS:
        refused(f"without {member}", code, write=lambda m: compact({k: v for k, v in m.items() if k != member}))
        refused(f"{member} is null", code, altered={member: None})
        refused(f"{member} is an object", code, altered={member: {}})
        refused(f"{member} is an array", code, altered={member: ["x"]})
        refused(f"{member} stands twice", code, write=lambda m: compact(m)[:-1] + f',"{member}":{json.dumps(m[member])}}}')
        refused(f"the name {member} in capitals", code, write=lambda m: compact(m).replace(f'"{member}"', f'"{member.upper()}"'))
    refused("a name twice, once escaped", code, write=lambda m: compact(m)[:-1] + ',"\\u0074imestamp":1}')
    refused("a seventh member", code, altered={"note": "x"})
    refused("a member named __proto__", code, altered={"__proto__": {}})
    for written in ['"1795463940"', "1795463940.0", "1795463940.5", "1.795463940e9", "-1", "-0", "1e999", "true", "9" * 16, "9" * 400]:
        refused(f"timestamp written {written[:20]}", code, write=lambda m: compact(m).replace('"timestamp":1795463940', f'"timestamp":{written}'))
    for member in ["sender_id", "recipient_id"]:
        good = {"sender_id": ANN_1, "recipient_id": BEN_1}[member]
        for name, bad in {
            "in capitals": good.upper(), "without its dot": good.replace(".", ""), "short": good[:-1], "long": good + "0",
            "an account alone": good[:32], "with a space": good[:-1] + " ", "with another digit": good[:-1] + "g",
            "with two dots": good[:31] + ".." + good[33:], "empty": "", "a phone number": "+15551230001",
        }.items():
            refused(f"{member} {name}", code, before_signing={member: bad})
    for member in ["encrypted_content", "encrypted_aes_key", "signature"]:
        refused(f"{member} without padding", code, write=lambda m: compact({**m, member: b64(b"x" * 256).rstrip("=")}))
        refused(f"{member} in base64url", code, write=lambda m: compact({**m, member: b64(b"\xff" * 256).replace("/", "_")}))
        refused(f"{member} with a line end", code, write=lambda m: compact({**m, member: m[member][:64] + "\n" + m[member][64:]}))
        refused(f"{member} with a bit beyond its end", code, write=lambda m: compact({**m, member: b64(b"\x00" * 256)[:-4] + "AB=="}))
        refused(f"{member} empty", code, altered={member: ""})
    refused("encrypted_aes_key of 255 bytes", code, before_signing={"encrypted_aes_key": b64(b"k" * 255)})
    refused("encrypted_aes_key of 257 bytes", code, before_signing={"encrypted_aes_key": b64(b"k" * 257)})
    refused("signature of 255 bytes", code, sign=lambda key, data: suite.sign(key, data, random)[:-1])
    refused("signature of 257 bytes", code, sign=lambda key, data: suite.sign(key, data, random) + b"\x00")
    refused("encrypted_content of 15 bytes", code, content=b"i" * 15)
    refused("encrypted_content of nothing but the IV", code, content=b"i" * 16)


def make_untrusted():
    refused("for another device of the recipient", "message_not_for_us", recipient=BEN_2)
    refused("for another account", "message_not_for_us", recipient=f"{MALLORY}.{'b11b' * 8}")
    refused("from a device that is not listed", "device_unknown", sender=ANN_UNLISTED)
    refused("from a revoked device", "device_unknown", sender=ANN_LOST, by="ann-lost-device", timestamp=NOW - 15 * DAY + 1)
    code = "signature_invalid"
    refused("signed by somebody else", code, by="mallory")
    refused("signed by another device of the sender", code, by="ann-lost-device", timestamp=NOW - 16 * DAY)
    refused("said to be from another device of the sender", code, timestamp=NOW - 16 * DAY, altered={"sender_id": ANN_LOST})
    refused("re-addressed to this device", code, recipient=BEN_2, altered={"recipient_id": BEN_1})
    refused("dated anew", code, altered={"timestamp": NOW - 59})
    for byte in [0, 15, 16, -1]:
        refused(f"byte {byte} of encrypted_content altered", code, write=lambda m: compact({**m, "encrypted_content": flipped(m["encrypted_content"], byte)}))
    for byte in [0, 128, -1]:
        refused(f"byte {byte} of encrypted_aes_key altered", code, write=lambda m: compact({**m, "encrypted_aes_key": flipped(m["encrypted_aes_key"], byte)}))
        refused(f"byte {byte} of the signature altered", code, write=lambda m: compact({**m, "signature": flipped(m["signature"], byte)}))
    refused("signature of zeros", code, sign=lambda key, data: b"\x00" * 256)
    refused("signed without sorting the members", code, to_sign=lambda m: compact({k: v for k, v in m.items() if k != "signature"}).encode())
    refused("signed with spaces", code, to_sign=lambda m: json.dumps({k: v for k, v in m.items() if k != "signature"}, sort_keys=True).encode())
    refused("PSS with a salt of 20 bytes", code, sign=lambda key, data: suite.sign(key, data, random, salt_bytes=20))
    refused("PSS with a salt of 0 bytes", code, sign=lambda key, data: suite.sign(key, data, random, salt_bytes=0))
    refused("PSS with SHA-512", code, sign=lambda key, data: suite.sign(key, data, random, digest=SHA512))
    refused("PKCS #1 v1.5 in place of PSS", code, sign=lambda key, data: pkcs1_15.new(key).sign(SHA256.new(data)))
    code = "key_revoked"
    refused("signed by a revoked key, dated after", code, by="ann-revoked", timestamp=NOW - 20 * DAY + 1)
    refused("signed by a revoked key, dated now", code, by="ann-revoked")
    refused("signed by a retired key, dated after the grace", code, by="ann-retired", timestamp=NOW - 10 * DAY + GRACE + 1)
    refused("too old", "message_stale", by="ann-revoked", timestamp=NOW - MAX_AGE - 1)
    refused("of the year 1970", "message_stale", by="ann-revoked", timestamp=0)
    refused("dated ahead", "message_from_future", timestamp=NOW + SKEW + 1)
    case("seen before", "message_replayed", compact(protect()), seen=True)
    code = "decryption_failed"
    refused("encrypted to somebody else", code, to="mallory")
    refused("encrypted to the recipient's revoked key", code, to="ben-revoked")
    refused("OAEP with SHA-1", code, wrap=lambda key, secret: PKCS1_OAEP.new(key, hashAlgo=SHA1, randfunc=random).encrypt(secret))
    refused("OAEP with MGF1 by SHA-1", code, wrap=lambda key, secret: PKCS1_OAEP.new(key, hashAlgo=SHA256, mgfunc=lambda s, n: suite.pss.MGF1(s, n, SHA1), randfunc=random).encrypt(secret))
    refused("OAEP with a label", code, wrap=lambda key, secret: suite.wrap(key, secret, random, b"label"))
    refused("PKCS #1 v1.5 encryption", code, wrap=lambda key, secret: PKCS1_v1_5.new(key, randfunc=random).encrypt(secret))
    refused("an AES key of 16 bytes", code, aes_key_bytes=16)
    refused("encrypted_aes_key of zeros", code, before_signing={"encrypted_aes_key": b64(b"\x00" * 256)})


def make_bad_plaintexts():
    for name, plaintext in {
        "plaintext is not JSON": b"Hello", "plaintext is not UTF-8": b'{"type":"text","body":"\xff"}',
        "plaintext is an array": b'["text"]', "plaintext is null": b"null",
        "plaintext without a type": b'{"body":"x"}', "type is no text": b'{"type":1}', "type of 65 letters": b'{"type":"' + b"t" * 65 + b'"}',
        "text without a body": b'{"type":"text"}', "body is no text": b'{"type":"text","body":1}',
        "body twice": b'{"type":"text","body":"x","body":"y"}', "half a character": b'{"type":"text","body":"\\ud800"}',
        "plaintext nested deeply": b'{"type":"text","body":' + b"[" * 1000,
        "id too short": text(body="x", id="9f86"), "id in capitals": text(body="x", id="9F86D081884C7D659A2FEAA0C55AD015"), "id is null": text(body="x", id=None),
        "from empty": text(body="x", **{"from": ""}), "from too long": text(body="x", **{"from": "x" * 255}),
        "n is 0": text(body="x", n=0), "n is a text": text(body="x", n="1"), "n has a fraction": text(body="x", n=1.5), "n too large": text(body="x", n=2**53),
        "receipt without a status": b'{"type":"receipt","of":["' + b"A" * 43 + b'="]}',
        "receipt of an unknown status": b'{"type":"receipt","status":"seen","of":["' + b"A" * 43 + b'="]}',
        "receipt of nothing": b'{"type":"receipt","status":"read","of":[]}', "receipt without of": b'{"type":"receipt","status":"read"}',
        "receipt of a short hash": b'{"type":"receipt","status":"read","of":["AAAA"]}',
    }.items():
        case(name, "message_refused", compact(protect(plaintext)), in_plaintext=True)


def pem(key):
    return key.export_key(format="PEM", pkcs=8).decode() + "\n"


def document():
    make_valid()
    make_malformed()
    make_untrusted()
    make_bad_plaintexts()
    keys = {name: {"private": pem(key), "public": key.public_key().export_key(format="PEM").decode() + "\n"} for name, key in KEYS.items()}
    return {
        "about": "Made by generate.py with PyCryptodome. Keys are for tests only. See README.md.",
        "now": NOW,
        "self": BEN_1,
        "private_keys": ["ben-current", "ben-retired"],
        "sender_account": ANN,
        "sender_devices": DEVICES,
        "keys": keys,
        "cases": CASES,
    }


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "messages.json")
    made = json.dumps(document(), indent=1, ensure_ascii=True) + "\n"
    if "--check" in sys.argv:
        with open(path, encoding="ascii") as file:
            same = file.read() == made
        print("messages.json is what generate.py makes" if same else "messages.json differs from what generate.py makes")
        sys.exit(0 if same else 1)
    with open(path, "w", encoding="ascii") as file:
        file.write(made)


main()
