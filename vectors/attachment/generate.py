#!/usr/bin/python3
"""
Makes attachments.json: files sealed as spec/PROTOCOL.md ("Attachments") says, by an implementation of its own.

    /usr/bin/python3 generate.py            writes attachments.json
    /usr/bin/python3 generate.py --check    says whether attachments.json is what this script makes

Needs python3-cryptography.
"""

import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK = 65536
LABEL = b"sotto/attachment/v1"


def padme(length):
    exponent = length.bit_length() - 1
    step = 1 << max(0, exponent - (exponent.bit_length() - 1) - 1)
    return -(-length // step) * step


def file_of(size):
    """Bytes that need not stand in the vectors: byte i is (i * 31 + i // 256) % 256."""
    return bytes((i * 31 + i // 256) % 256 for i in range(size))


def seal(key, content):
    padded = content.ljust(padme(max(len(content), 4096)), b"\0")
    chunks = [padded[at : at + CHUNK] for at in range(0, len(padded), CHUNK)]
    sealed = []
    for index, chunk in enumerate(chunks):
        nonce = index.to_bytes(11, "big") + bytes([index == len(chunks) - 1])
        sealed.append(AESGCM(key).encrypt(nonce, chunk, LABEL))
    digest = hashlib.sha256(LABEL + b"\0" + sum(map(len, sealed)).to_bytes(8, "big")).digest()
    for chunk in sealed:
        digest = hashlib.sha256(digest + hashlib.sha256(chunk).digest()).digest()
    return sealed, digest


def case(size):
    key = hashlib.sha256(b"key of %d" % size).digest()
    sealed, digest = seal(key, file_of(size))
    whole = b"".join(sealed)
    return {
        "size": size,
        "key": key.hex(),
        "sealed_bytes": len(whole),
        "chunks": len(sealed),
        "first_chunk_begins": whole[:32].hex(),
        "last_tag": whole[-16:].hex(),
        "sealed_sha256": hashlib.sha256(whole).hexdigest(),
        "digest": digest.hex(),
    }


SIZES = [0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 100000, 131072, 131073, 1000000]
PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "attachments.json")
text = json.dumps({"cases": [case(size) for size in SIZES]}, indent=2) + "\n"
if "--check" in sys.argv:
    sys.exit(0 if open(PATH).read() == text else "attachments.json is not what this script makes")
open(PATH, "w").write(text)
