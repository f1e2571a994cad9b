"""The classic suite by PyCryptodome, independent of the TypeScript code: used by generate.py and open.py."""

import base64
import json

# Debian's package calls itself Cryptodome, the one on PyPI Crypto.
try:
    from Cryptodome.Cipher import AES, PKCS1_OAEP, PKCS1_v1_5
    from Cryptodome.Hash import SHA1, SHA256, SHA512
    from Cryptodome.PublicKey import RSA
    from Cryptodome.Signature import pkcs1_15, pss
except ModuleNotFoundError:
    from Crypto.Cipher import AES, PKCS1_OAEP, PKCS1_v1_5
    from Crypto.Hash import SHA1, SHA256, SHA512
    from Crypto.PublicKey import RSA
    from Crypto.Signature import pkcs1_15, pss

MEMBERS = ["sender_id", "recipient_id", "encrypted_content", "encrypted_aes_key", "signature", "timestamp"]


def b64(data):
    return base64.b64encode(data).decode("ascii")


def canonical(message):
    """RFC 8785 of the message without `signature`: its texts are ASCII and its number is an integer."""
    rest = {name: value for name, value in message.items() if name != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def mgf1(seed, length):
    return pss.MGF1(seed, length, SHA256)


def wrap(public_key, aes_key, random=None, label=b""):
    return PKCS1_OAEP.new(public_key, hashAlgo=SHA256, mgfunc=mgf1, label=label, randfunc=random).encrypt(aes_key)


def unwrap(private_key, wrapped):
    return PKCS1_OAEP.new(private_key, hashAlgo=SHA256, mgfunc=mgf1).decrypt(wrapped)


def cfb(aes_key, iv):
    return AES.new(aes_key, AES.MODE_CFB, iv=iv, segment_size=128)


def sign(private_key, data, random=None, salt_bytes=32, digest=SHA256):
    signer = pss.new(private_key, salt_bytes=salt_bytes, mask_func=lambda s, n: pss.MGF1(s, n, digest), rand_func=random)
    return signer.sign(digest.new(data))


def verify(public_key, data, signature):
    """Raises ValueError when the signature is wrong."""
    pss.new(public_key, salt_bytes=32, mask_func=mgf1).verify(SHA256.new(data), signature)
