"""Signs different policies for some milliseconds with the key on standard input,
and prints the mean time of one in nanoseconds."""

import json
import sys
import time

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

key = serialization.load_pem_private_key(sys.stdin.buffer.read(), password=None)
signer = CloudFrontSigner("K2ABC", lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()))
end = 1800000000


def sign():
    global end
    end += 1
    policy = json.dumps(
        {
            "Statement": [
                {
                    "Resource": "https://d111.cloudfront.net/premium/course-1/*",
                    "Condition": {"DateLessThan": {"AWS:EpochTime": end}},
                }
            ]
        },
        separators=(",", ":"),
    ).encode()
    return signer._url_b64encode(policy), signer._url_b64encode(signer.rsa_signer(policy)), signer.key_id


def measure(nanoseconds):
    began = time.perf_counter_ns()
    signatures = 0
    while True:
        sign()
        signatures += 1
        elapsed = time.perf_counter_ns() - began
        if elapsed >= nanoseconds:
            return elapsed / signatures


duration = int(sys.argv[1]) * 1_000_000
measure(duration / 2)
print(measure(duration))
