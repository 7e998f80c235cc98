// A Lambda function as in posts about signed cookies: it reads the private key
// for each request and signs. The loop at the end is the runtime's part.
import http from "node:http";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { getSignedCookies } from "@aws-sdk/cloudfront-signer";

const ssm = new SSMClient({});
const { HOST, KEY_PAIR_ID, KEY_PARAMETER } = process.env;

async function handler(event) {
  const { path } = JSON.parse(event.body);
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: KEY_PARAMETER, WithDecryption: true }));
  const policy = JSON.stringify({
    Statement: [{
      Resource: `https://${HOST}/premium/${path}/*`,
      Condition: { DateLessThan: { "AWS:EpochTime": Math.floor(Date.now() / 1000) + 3600 } },
    }],
  });
  const cookies = getSignedCookies({ keyPairId: KEY_PAIR_ID, privateKey: Parameter.Value, policy });
  return {
    statusCode: 200,
    headers: { "content-type": "application/json" },
    cookies: Object.entries(cookies).map(([name, value]) => `${name}=${value}; Path=/premium/${path}/; Secure; HttpOnly; SameSite=Lax`),
    body: JSON.stringify({ ok: true }),
  };
}

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = http.request({ hostname, port, agent, method, headers, path: `/2018-06-01/runtime/${path}` }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const invocation = await call("GET", "invocation/next");
  const id = invocation.headers["lambda-runtime-aws-request-id"];
  try {
    const event = JSON.parse(invocation.text);
    const response = event.body ? await handler(event) : {}; // an event without a body measures the loop alone
    await call("POST", `invocation/${id}/response`, JSON.stringify(response));
  } catch (error) {
    await call("POST", `invocation/${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
  }
}
