import * as client from 'openid-client';
import type { Settled } from '../config.js';

export interface OidcLogin { url: string; /** Kept in a cookie of the browser until it comes back. */ keep: string }
export interface OidcIdentity { subject: string; account?: string }

/** OpenID Connect by the code flow with PKCE, state and nonce. The provider is asked when somebody logs in. */
export class Oidc {
  private found: Promise<client.Configuration> | undefined;
  constructor(private readonly config: NonNullable<Settled['oidc']>) {}

  private provider(): Promise<client.Configuration> {
    const issuer = new URL(this.config.issuer);
    // Without TLS only on this machine, as in a test.
    const insecure = issuer.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(issuer.hostname);
    this.found ??= client.discovery(issuer, this.config.clientId, this.config.clientSecret, undefined, insecure ? { execute: [client.allowInsecureRequests] } : undefined)
      .catch((error: unknown) => { this.found = undefined; throw error; });
    return this.found;
  }

  async begin(redirect: string): Promise<OidcLogin> {
    const provider = await this.provider();
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(provider, {
      redirect_uri: redirect, scope: 'openid profile', code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state, nonce,
    });
    return { url: url.href, keep: JSON.stringify({ verifier, state, nonce }) };
  }

  /** Throws where anything does not fit. */
  async finish(current: URL, keep: string): Promise<OidcIdentity> {
    const { verifier, state, nonce } = JSON.parse(keep) as { verifier: string; state: string; nonce: string };
    const tokens = await client.authorizationCodeGrant(await this.provider(), current, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true });
    const claims = tokens.claims();
    if (!claims) throw new TypeError('no id token');
    const account = claims[this.config.claim];
    return { subject: `${claims.iss} ${claims.sub}`, ...(typeof account === 'string' ? { account } : {}) };
  }
}
