import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, test } from "node:test";
import { FakeWorld } from "../cli/fake-world.ts";
import { testAuthority } from "../support/certificates.ts";
import { runToEnd } from "../support/child.ts";
import { startCoturn } from "../support/coturn.ts";
import { executable } from "../support/executable.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { shared, UNHURRIED } from "../support/shared.ts";

/** What `icebreaker check` says of one URL. */
interface Row {
  readonly url: string;
  readonly problem?: string;
  readonly roundTripMs?: number;
}

/** Goal: whatever is wrong with one URL is said in its row, in words that say what to look at, and the others are judged alone. */
describe("icebreaker check against a gateway", () => {
  const gateway = shared(() => startGateway());

  test("UDP that nobody answers is one URL's trouble, and exit code 1", UNHURRIED, async () => {
    const silent = createSocket("udp4");
    await new Promise<void>((resolve) => silent.bind(0, "127.0.0.1", resolve));
    const { port } = silent.address();
    const blocked = await startGateway({ settings: { advertise: { udp: port } } });
    const { code, rows } = await check(blocked);
    assert.equal(code, 1);
    const said = `binding was not answered: UDP to 127.0.0.1:${port} is blocked on the way, or nothing listens there`;
    assert.deepEqual(
      rows.map(({ problem }) => problem),
      [said, said, undefined, undefined],
    );
    silent.close();
    await blocked.stop();
  });

  test("a listener that is not there", UNHURRIED, async () => {
    const { ports } = await gateway();
    const url = `turn:127.0.0.1:${ports.metrics + 1}?transport=tcp`;
    const { rows } = await checkUrl(url, "--username", "a", "--credential", "b");
    assert.equal(rows[0]?.problem, `nothing listens at 127.0.0.1:${ports.metrics + 1} over TCP (ECONNREFUSED)`);
  });

  test("a credential that is expired, or wrong", UNHURRIED, async () => {
    const { ports } = await gateway();
    const url = `turn:127.0.0.1:${ports.udp}?transport=udp`;
    const expired = await checkUrl(url, "--username", "1718200000:project_a", "--credential", "b");
    assert.match(expired.rows[0]?.problem ?? "", /401.*: the credential expired at 2024-06-12T13:46:40\.000Z$/);
    const wrong = await checkUrl(url, "--username", "4000000000:project_a", "--credential", "b");
    assert.match(
      wrong.rows[0]?.problem ?? "",
      /401.*: the credential is wrong, revoked or of another region, or the server's clock/,
    );
  });

  test("a certificate that nobody signed whom this machine trusts, that has expired, that names another", UNHURRIED, async () => {
    const running = await gateway();
    const untrusted = await check(running, { ca: false });
    assert.equal(untrusted.code, 1);
    assert.match(untrusted.rows[3]?.problem ?? "", /^the certificate is not trusted: no authority that this machine trusts/);
    assert.deepEqual(
      untrusted.rows.slice(0, 3).map(({ problem }) => problem),
      [undefined, undefined, undefined],
    );
    for (const [names, days, words] of [
      [["relay.test"], -1, /^the certificate is not trusted: it expired at 20/],
      [["other.test"], 30, /^the certificate is not trusted: it names DNS:other\.test, not relay\.test/],
    ] as const) {
      const authority = await testAuthority();
      const bad = await startGateway({ settings: { tls: await authority.issueFiles(names, days) } });
      const { rows } = await check(bad, { ca: authority.file });
      assert.match(rows[3]?.problem ?? "", words);
      await bad.stop();
    }
  });

  test("a clock that is wrong here is said beside the table", UNHURRIED, async () => {
    await using world = new FakeWorld(); // whose clock stands at 2030
    const { ports, key, authority } = await gateway();
    const base = `http://127.0.0.1:${ports.http}`;
    const { stderr } = await world.run(["check", "--url", base, "--key", key, "--at", "127.0.0.1", "--ca", authority.file]);
    assert.match(stderr, /warning: this machine's clock is \d+ seconds (ahead of|behind) the gateway's/);
  });

  test("on a terminal it is a table with what is wrong and what is seen below", {
    ...UNHURRIED,
    skip: needs("script"),
  }, async () => {
    const { ports, key } = await gateway();
    const flags = `--url http://127.0.0.1:${ports.http} --key ${key} --at 127.0.0.1`;
    const { code, stdout } = await runToEnd("script", ["-qec", `${await executable()} check ${flags}`, "/dev/null"]);
    assert.equal(code, 1);
    const lines = stdout.split(/\r?\n/);
    assert.match(stdout, /checking 4 URLs …/);
    assert.match(stdout, /^url +result +connect +binding +allocate +round trip\r?$/m);
    assert.match(stdout, /^turn:relay\.test:\d+\?transport=udp +ok +[\d.]+ ms +[\d.]+ ms +[\d.]+ ms\r?$/m);
    assert.match(stdout, /^turns:relay\.test:\d+\?transport=tcp: the certificate is not trusted: /m);
    assert.match(stdout, /^Relayed as 127\.0\.0\.1:\d+/m);
    assert.match(stdout, /^Certificate CN=relay\.test until 20\d\d-\d\d-\d\d/m);
    assert.ok(
      lines.filter((line) => /^(url|stun|turn)\S* +/.test(line) && !line.includes(": the")).every((line) => line.length <= 100),
    );
  });
});

test("icebreaker check against coturn: every transport", { ...UNHURRIED, skip: needs("turnserver") }, async () => {
  const authority = await testAuthority();
  const coturn = await startCoturn(await authority.issueFiles(["localhost", "127.0.0.1"]));
  const { username, credential } = coturn.credentials();
  const pair = ["--username", username, "--credential", credential, "--ca", authority.file];
  for (const [url, flags] of [
    [`stun:localhost:${coturn.port}`, []],
    [`turn:localhost:${coturn.port}?transport=udp`, pair],
    [`turn:localhost:${coturn.port}?transport=tcp`, pair],
    [`turns:localhost:${coturn.tlsPort}?transport=tcp`, pair],
  ] as const) {
    const { code, rows } = await checkUrl(url, ...flags);
    assert.deepEqual([code, rows[0]?.problem], [0, undefined], url);
    assert.equal(rows[0]?.roundTripMs === undefined, url.startsWith("stun"), url);
  }
  await coturn.stop();
});

async function check(
  gateway: Gateway,
  { ca }: { ca?: string | false } = {},
): Promise<{ code: number | null; rows: readonly Row[] }> {
  const trust = ca === false ? [] : ["--ca", ca ?? gateway.authority.file];
  const base = `http://127.0.0.1:${gateway.ports.http}`;
  const { code, stdout } = await gateway.run("check", "--url", base, "--key", gateway.key, "--at", "127.0.0.1", ...trust);
  return { code, rows: JSON.parse(stdout) };
}

async function checkUrl(url: string, ...flags: readonly string[]): Promise<{ code: number | null; rows: readonly Row[] }> {
  const { code, stdout } = await runToEnd(await executable(), ["check", "--url", url, ...flags]);
  return { code, rows: JSON.parse(stdout) };
}
