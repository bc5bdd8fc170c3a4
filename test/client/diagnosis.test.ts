import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { type Attempt, diagnose, distrustInWords } from "../../src/client/diagnosis.ts";
import { RequestFailed } from "../../src/client/probe.ts";
import { testAuthority } from "../support/certificates.ts";

const NOW = Date.UTC(2030, 0, 1);
const attempt: Attempt = { host: "relay.test", transport: "udp", server: "192.0.2.1:3478", nowUnixMs: NOW };
const failure = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });
const refused = (code: number): Error => new RequestFailed("allocate", { kind: "refused", code, reason: "" });

describe("a failure in words", () => {
  const cases: readonly (readonly [error: unknown, change: Partial<Attempt>, words: RegExp])[] = [
    [failure("ENOTFOUND"), { server: undefined }, /^relay\.test does not resolve here \(ENOTFOUND\)$/],
    [failure("ECONNREFUSED"), { transport: "tls" }, /^nothing listens at 192\.0\.2\.1:3478 over TCP \(ECONNREFUSED\)$/],
    [failure("ENETUNREACH"), {}, /^there is no way to 192\.0\.2\.1:3478 from here/],
    [failure("ECONNRESET"), { transport: "tcp" }, /was reset .*: a firewall/],
    [
      new RequestFailed("binding", { kind: "timeout" }),
      {},
      /^binding was not answered: UDP to 192\.0\.2\.1:3478 is blocked on the way/,
    ],
    [new RequestFailed("binding", { kind: "timeout" }), { transport: "tcp" }, /accepted the connection, and says nothing$/],
    [refused(401), { username: `${NOW / 1000 - 60}:project_a` }, /401: the credential expired at 2029-12-31T23:59:00\.000Z$/],
    [
      refused(401),
      { username: `${NOW / 1000 + 60}:project_a` },
      /revoked or of another region, or the server's clock is ahead of ours/,
    ],
    [refused(401), { username: "ann" }, /401: the server does not know these credentials$/],
    [refused(486), { username: "ann" }, /^allocate was refused: 486$/],
    [new Error("something else"), {}, /^something else$/],
  ];
  for (const [error, change, words] of cases) {
    test(`${words}`, () => assert.match(diagnose(error, { ...attempt, ...change }), words));
  }
});

test("why a chain is not to be trusted, in words", async () => {
  const authority = await testAuthority();
  const leaf = new X509Certificate(authority.issue(["relay.test"]).certificate);
  const [validFrom, validTo] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  const words = (code: string, now = validFrom + 1) => distrustInWords(code, leaf, "other.test", now);
  assert.match(words("CERT_HAS_EXPIRED", validTo + 1000), /^it expired at 20.*\(CERT_HAS_EXPIRED\)$/);
  assert.match(words("CERT_NOT_YET_VALID", validFrom - 1000), /^it is not valid before 20.*is this machine's clock right\?$/);
  assert.equal(words("ERR_TLS_CERT_ALTNAME_INVALID"), "it names DNS:relay.test, not other.test (ERR_TLS_CERT_ALTNAME_INVALID)");
  assert.match(words("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), /^no authority that this machine trusts .*icebreaker test authority/);
  assert.match(words("CERT_SIGNATURE_FAILURE"), /^the authority that it names, .*, has not signed it/);
  const own = new X509Certificate(authority.pem);
  const code = "DEPTH_ZERO_SELF_SIGNED_CERT";
  assert.equal(distrustInWords(code, own, "other.test", validFrom + 1), "it is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT)");
  assert.equal(words("SOMETHING_NEW"), "SOMETHING_NEW");
});
