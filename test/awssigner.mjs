// Signs as AWS's own signer for JavaScript does, and verifies with Node what
// another signed: a request in JSON on standard input, the answer on standard
// output.
import { createVerify, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { getSignedCookies } from "@aws-sdk/cloudfront-signer";

const { privateKey, keyPairId, algorithm, policy, url, dateLessThan, ipAddress, verify } = JSON.parse(readFileSync(0));
const plain = (text) => Buffer.from(text.replace(/-/g, "+").replace(/_/g, "=").replace(/~/g, "/"), "base64");

const cookies = policy
  ? getSignedCookies({ privateKey, keyPairId, algorithm, policy })
  : getSignedCookies({ privateKey, keyPairId, algorithm, url, dateLessThan, ipAddress });
const verified = createVerify(algorithm)
  .update(plain(verify.policy))
  .verify(createPublicKey(privateKey), plain(verify.signature));
console.log(JSON.stringify({ cookies, verified }));
