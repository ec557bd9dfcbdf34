// An OpenID Connect provider by the package oidc-provider: `node provider.mjs MODULE PORT POSTURE [CERTIFICATE KEY]`.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const [module, port, posture, certificate, key] = process.argv.slice(2);
const { Provider } = await import(module);
const compliant = posture === 'compliant';
const issuer = `${compliant ? 'https' : 'http'}://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'proofbook',
      client_secret: 's3cr3t of the client',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:example:api',
      getResourceServerInfo: () => ({ scope: '', accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256' } } }),
    },
  },
  ...(compliant ? {} : { enabledJWA: { idTokenSigningAlgValues: ['PS256'] } }),
});
const listener = provider.callback();
const server = compliant
  ? https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, listener)
  : http.createServer(listener);
server.listen(Number(port), '127.0.0.1');
