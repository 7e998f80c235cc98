// Signs different policies for some milliseconds with the key on standard input,
// and prints the mean time of one in nanoseconds.
import { readFileSync } from "node:fs";
import { getSignedCookies } from "@aws-sdk/cloudfront-signer";

const privateKey = readFileSync(0, "utf8");
const milliseconds = Number(process.argv[2]);
let end = 1800000000;

function sign() {
  const policy = JSON.stringify({
    Statement: [{
      Resource: "https://d111.cloudfront.net/premium/course-1/*",
      Condition: { DateLessThan: { "AWS:EpochTime": end++ } },
    }],
  });
  return getSignedCookies({ keyPairId: "K2ABC", privateKey, policy });
}

function measure(milliseconds) {
  const began = process.hrtime.bigint();
  let signatures = 0, elapsed;
  do {
    sign();
    signatures++;
    elapsed = Number(process.hrtime.bigint() - began);
  } while (elapsed < milliseconds * 1e6);
  return elapsed / signatures;
}

measure(milliseconds / 2); // warm up the compiler
console.log(measure(milliseconds));
