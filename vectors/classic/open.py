#!/usr/bin/python3
"""
Verifies and opens classic messages that Sotto made.

Standard input: one JSON object a line, {"message": TEXT, "sender_public_pem": PEM, "recipient_private_pem": PEM}.
Standard output: for each the plaintext in base64, one a line. Ends with an error at the first message that is wrong.
Needs PyCryptodome (Debian: python3-pycryptodome).
"""

import base64
import json
import sys

sys.dont_write_bytecode = True

import suite
from suite import RSA


def main():
    for line in sys.stdin:
        case = json.loads(line)
        message = json.loads(case["message"])
        if list(message) != suite.MEMBERS:
            raise ValueError("the members are not the six, in their order")
        signature = base64.b64decode(message["signature"], validate=True)
        suite.verify(RSA.import_key(case["sender_public_pem"]), suite.canonical(message), signature)
        wrapped = base64.b64decode(message["encrypted_aes_key"], validate=True)
        aes_key = suite.unwrap(RSA.import_key(case["recipient_private_pem"]), wrapped)
        content = base64.b64decode(message["encrypted_content"], validate=True)
        print(suite.b64(suite.cfb(aes_key, content[:16]).decrypt(content[16:])))


main()
