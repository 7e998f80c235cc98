// An OpenID provider that others wrote (npm oidc-provider), with the viewer ada
// and one public client, for the test of an issuer that the settings name.
//
// issuer.mjs ISSUER PORT CERTIFICATE KEY CLIENT REDIRECT_URI
import { createServer } from "node:https";
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const [issuer, port, certificate, key, client, page] = process.argv.slice(2);

const provider = new Provider(issuer, {
  clients: [{
    client_id: client,
    application_type: "web",
    token_endpoint_auth_method: "none", // public
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: [page],
    post_logout_redirect_uris: [page],
  }],
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: "Ada Lovelace", email: "ada@example.com" }),
  }),
  claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
  conformIdTokenClaims: false, // profile and email in the ID token
  scopes: ["openid", "offline_access", "profile", "email"],
  // A refresh token without the scope offline_access, as Cognito issues it.
  issueRefreshToken: async (_, known) => known.grantTypeAllowed("refresh_token"),
  clientBasedCORS: (_, origin) => origin === new URL(page).origin,
  features: {
    devInteractions: { enabled: true }, // its own login form: any name, any password
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  pkce: { required: () => true },
  cookies: { keys: ["of this test"] },
});

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, provider.callback())
  .listen(Number(port), "127.0.0.1", () => console.log("listening"));
