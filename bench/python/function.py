"""A Lambda function as in posts about signed cookies: it reads the private key
for each request and signs. The loop at the end is the runtime's part."""

import http.client
import json
import os
import time

import boto3
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

ssm = boto3.client("ssm")


def handler(event):
    path = json.loads(event["body"])["path"]
    parameter = ssm.get_parameter(Name=os.environ["KEY_PARAMETER"], WithDecryption=True)
    key = serialization.load_pem_private_key(parameter["Parameter"]["Value"].encode(), password=None)
    signer = CloudFrontSigner(
        os.environ["KEY_PAIR_ID"],
        lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()),
    )
    policy = json.dumps(
        {
            "Statement": [
                {
                    "Resource": f"https://{os.environ['HOST']}/premium/{path}/*",
                    "Condition": {"DateLessThan": {"AWS:EpochTime": int(time.time()) + 3600}},
                }
            ]
        },
        separators=(",", ":"),
    ).encode()
    cookies = {
        "CloudFront-Policy": signer._url_b64encode(policy).decode(),
        "CloudFront-Signature": signer._url_b64encode(signer.rsa_signer(policy)).decode(),
        "CloudFront-Key-Pair-Id": signer.key_id,
    }
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "cookies": [
            f"{name}={value}; Path=/premium/{path}/; Secure; HttpOnly; SameSite=Lax" for name, value in cookies.items()
        ],
        "body": json.dumps({"ok": True}),
    }


def main():
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(method, path, body=None):
        runtime.request(method, "/2018-06-01/runtime/" + path, body, {"Content-Type": "application/json"} if body else {})
        response = runtime.getresponse()
        return response.headers, response.read()

    while True:
        headers, event = call("GET", "invocation/next")
        invocation = "invocation/" + headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            event = json.loads(event)
            response = handler(event) if event.get("body") else {}  # an event without a body measures the loop alone
            call("POST", invocation + "/response", json.dumps(response))
        except Exception as error:
            failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
            call("POST", invocation + "/error", json.dumps(failure))


main()
