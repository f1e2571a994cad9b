#!/usr/bin/env python3
"""A client of Sotto in another language, written from spec/PROTOCOL.md: registers, waits for one message, answers it.

    python3 minimal_client.py http://127.0.0.1:8787 FINGERPRINT +15551230009

It asks for the one-time password on standard input, then prints `ready`, the message that comes, and `answered`.

It needs python3-cryptography and nothing else: protobuf and WebSocket are so small here that they are written by hand.
It keeps its keys in memory and checks what this exchange needs. A real client stores them before it registers, checks
every rule of "Device lists", pins them, remembers signatures and reconnects.
"""
import base64
import hashlib
import json
import os
import socket
import struct
import sys
import time
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


# Protobuf: what these messages need of it.


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def message(fields):
    """{number: bytes, text or integer} as a serialized message; what is 0 is left out."""
    out = b""
    for number, value in fields.items():
        if isinstance(value, int):
            out += varint(number << 3) + varint(value) if value else b""
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def fields_of(data):
    """A serialized message as {number: [values]}."""
    found, at = {}, 0

    def read():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(data):
        tag = read()
        value = read()
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value
        found.setdefault(tag >> 3, []).append(value)
    return found


def last(fields, number, default=b""):
    return fields.get(number, [default])[-1]


def b64(data):
    return base64.b64encode(data).decode()


class Server:
    """What is known of the server, and its registration service ("HTTP", "Sealing")."""

    def __init__(self, origin, fingerprint):
        self.origin = origin
        public_key = base64.b64decode(self.post("GetServer", {})["publicKey"])
        self.fingerprint = hashlib.sha256(public_key).digest()
        if base64.urlsafe_b64encode(self.fingerprint).decode().rstrip("=") != fingerprint:
            raise SystemExit("server_key_mismatch: do not go on")
        self.key = serialization.load_der_public_key(public_key)

    def post(self, method, body):
        url = f"{self.origin}/sotto.v1.RegistrationService/{method}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    def sealed(self, method, payload):
        secret, aad, nonce = os.urandom(32), method.encode(), bytes(12)

        def key(direction, salt=None):
            info = f"sotto/registration/{direction}/v1".encode()
            return AESGCM(HKDF(hashes.SHA256(), 32, salt, info).derive(secret))

        sealed = {
            "wrappedSecret": b64(self.key.encrypt(secret, OAEP)),
            "ciphertext": b64(key("request").encrypt(nonce, payload, aad)),
        }
        answer = base64.b64decode(self.post(method, {"sealed": sealed})["answer"])
        outcome = fields_of(key("response", answer[:32]).decrypt(nonce, answer[32:], aad))
        if 2 in outcome:
            raise SystemExit(last(fields_of(last(outcome, 2)), 1).decode())


class Account:
    """An account with one device ("Registration", "Device lists")."""

    def __init__(self, identifier):
        self.identifier = identifier
        self.id, self.device_id, self.inbox = os.urandom(16), os.urandom(16), os.urandom(16)
        self.identity, self.device_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.sent = 0

    def address(self):
        return f"{self.id.hex()}.{self.device_id.hex()}"

    def register(self, server, code):
        now = int(time.time())
        classic_key = message({1: self.rsa.public_key().public_bytes(*SPKI), 2: now})
        signature_key = self.device_key.public_key().public_bytes(*RAW)
        device = message({1: self.device_id, 2: signature_key, 3: self.inbox, 4: classic_key, 5: now})
        identity = self.identity.public_key().public_bytes(*RAW)
        device_list = message({1: self.id, 2: 1, 4: identity, 5: now, 6: device})
        signature = self.identity.sign(b"sotto/device-list/v1\0" + device_list)
        signed = message({1: device_list, 2: signature})
        server.sealed("Register", message({1: self.identifier, 2: code, 3: signed}))


class Session:
    """A signed-in WebSocket ("The session", "Signing in")."""

    def __init__(self, server, account):
        self.buffer, self.frames = b"", []
        host, port = server.origin.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)))
        head = "GET /v1/session HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n"
        self.socket.sendall(head.format(host, b64(os.urandom(16))).encode())
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(4096)
        status, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in status:
            raise SystemExit("the server refused the WebSocket")
        self.sign_in(server, account)

    def sign_in(self, server, account):
        client_nonce = os.urandom(32)
        self.send(1, {1: 1, 2: client_nonce})
        challenge = self.receive(1)
        server_nonce, certificate = last(challenge, 1), fields_of(last(challenge, 2))
        body = last(certificate, 1)
        server.key.verify(last(certificate, 2), b"sotto/server-certificate/v1\0" + body, PSS, hashes.SHA256())
        terms = fields_of(body)
        begin, end = last(terms, 2), last(terms, 3)
        if not (begin < end <= begin + 604800 and begin - 300 <= time.time() <= end + 300):
            raise SystemExit("server_key_mismatch: the certificate is not for now")
        challenge_key = Ed25519PublicKey.from_public_bytes(last(terms, 1))
        challenge_key.verify(last(challenge, 3), b"sotto/challenge/v1\0" + client_nonce + server_nonce)
        transcript = b"sotto/sign-in/v1\0" + client_nonce + server_nonce + server.fingerprint
        signature = account.device_key.sign(transcript + account.id + account.device_id)
        self.send(2, {1: account.id, 2: account.device_id, 3: signature})
        self.receive(2)

    def send(self, kind, fields):
        """One frame as one masked binary WebSocket message."""
        payload = message({1: message({kind: message(fields)})})
        size = bytes([128 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(b"\x82" + size + mask + masked)

    def receive(self, kind):
        """The next frame of a kind; others are passed over."""
        while True:
            while not self.frames:
                self.read_message()
            frame = self.frames.pop(0)
            if kind in frame:
                return fields_of(last(frame, kind))
            for refusal in (8, 11):
                if refusal in frame:
                    raise SystemExit(str(last(frame, refusal)))

    def read_message(self):
        opcode, size = self.read(2)
        if size >= 126:
            size = int.from_bytes(self.read(2 if size == 126 else 8), "big")
        payload = self.read(size)
        if opcode & 15 == 2:
            self.frames += [fields_of(frame) for frame in fields_of(payload).get(1, [])]
        elif opcode & 15 == 9:
            self.socket.sendall(b"\x8a" + bytes([128 | size]) + bytes(4) + payload)

    def read(self, size):
        while len(self.buffer) < size:
            received = self.socket.recv(65536)
            if not received:
                raise SystemExit("connection_lost")
            self.buffer += received
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def look_up(self, account_id, device_id):
        """A device of an account, from its checked device lists ("Lookups")."""
        self.send(10, {1: 1, 3: account_id})
        signer, previous, devices = None, b"", []
        for signed in map(fields_of, self.receive(9)[4]):
            data = last(signed, 1)
            listed = fields_of(data)
            identity = Ed25519PublicKey.from_public_bytes(last(listed, 4))
            (signer or identity).verify(last(signed, 2), b"sotto/device-list/v1\0" + data)
            if last(listed, 1) != account_id or last(listed, 3) != previous:
                raise SystemExit("device_list_invalid")
            signer, previous, devices = identity, hashlib.sha256(data).digest(), listed[6]
        return next(device for device in map(fields_of, devices) if last(device, 1) == device_id)


def canonical(members):
    """RFC 8785 of a classic message without its signature: ASCII texts and an integer."""
    rest = {name: value for name, value in members.items() if name != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()


def cfb(key, iv):
    return Cipher(algorithms.AES(key), modes.CFB(iv))


def protect(account, recipient_id, recipient, content):
    """A classic message to one device ("The classic suite")."""
    key, iv = os.urandom(32), os.urandom(16)
    account.sent += 1
    content = {**content, "from": account.identifier, "n": account.sent}
    encryptor = cfb(key, iv).encryptor()
    newest = serialization.load_der_public_key(last(fields_of(recipient[4][-1]), 1))
    members = {
        "sender_id": account.address(),
        "recipient_id": recipient_id,
        "encrypted_content": b64(iv + encryptor.update(json.dumps(content).encode()) + encryptor.finalize()),
        "encrypted_aes_key": b64(newest.encrypt(key, OAEP)),
        "timestamp": int(time.time()),
    }
    members["signature"] = b64(account.rsa.sign(canonical(members), PSS, hashes.SHA256()))
    return message({1: json.dumps(members)})


def unprotect(account, session, body):
    """Checks in the order of the protocol, then decrypts. Returns content, sender's id, sender's device, signature."""
    members = json.loads(last(fields_of(body), 1))
    if members["recipient_id"] != account.address():
        raise SystemExit("message_not_for_us")
    sender, device_id = (bytes.fromhex(part) for part in members["sender_id"].split("."))
    device = session.look_up(sender, device_id)
    signature = base64.b64decode(members["signature"])
    key = serialization.load_der_public_key(last(fields_of(device[4][-1]), 1))
    key.verify(signature, canonical(members), PSS, hashes.SHA256())
    if abs(time.time() - members["timestamp"]) > 300:
        raise SystemExit("message_stale")
    content = base64.b64decode(members["encrypted_content"])
    aes_key = account.rsa.decrypt(base64.b64decode(members["encrypted_aes_key"]), OAEP)
    decryptor = cfb(aes_key, content[:16]).decryptor()
    text = json.loads(decryptor.update(content[16:]) + decryptor.finalize())
    return text, members["sender_id"], device, signature


def main(origin, fingerprint, identifier):
    server, account = Server(origin, fingerprint), Account(identifier)
    server.sealed("RequestCode", message({1: identifier}))
    account.register(server, input("code? ").strip())
    session = Session(server, account)
    session.send(5, {1: 1, 2: account.inbox})
    session.receive(5)
    print("ready", flush=True)

    entry = fields_of(last(session.receive(4), 2))
    content, sender_id, device, signature = unprotect(account, session, last(entry, 4))
    print(json.dumps(content), flush=True)
    session.send(4, {1: account.inbox, 3: last(entry, 1)})

    receipt = {"type": "receipt", "status": "read", "of": [b64(hashlib.sha256(signature).digest())]}
    answer = {"type": "text", "body": f"You said: {content['body']}", "id": os.urandom(16).hex()}
    for request, plaintext in enumerate((receipt, answer), start=2):
        body = protect(account, sender_id, device, plaintext)
        session.send(3, {1: request, 2: last(device, 3), 5: 1, 6: body})
        session.receive(3)
    print("answered", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
