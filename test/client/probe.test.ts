import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Probe, RequestFailed } from "../../src/client/probe.ts";
import { tryUrl } from "../../src/client/trial.ts";
import { formatAddress, parseAddress, type Transport } from "../../src/net/address.ts";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import { type Coturn, startCoturn } from "../support/coturn.ts";
import { needs } from "../support/needs.ts";

/** Against a server that is not ours: what both agree on is more than our own opinion. */
describe("a probe against coturn", { skip: needs("turnserver") }, () => {
  let authority: TestAuthority;
  let coturn: Coturn;
  before(async () => {
    authority = await testAuthority();
    coturn = await startCoturn(await authority.issueFiles(["localhost", "127.0.0.1", "::1"]));
  });
  after(() => coturn?.stop());

  const open = (transport: Transport, host = "127.0.0.1", credential?: string): Promise<Probe> => {
    const pair = coturn.credentials();
    return Probe.open({
      transport,
      server: parseAddress(`${host}:${transport === "tls" ? coturn.tlsPort : coturn.port}`),
      credentials: { ...pair, credential: credential ?? pair.credential },
      tls: { ca: authority.pem, servername: "localhost", verify: true },
    });
  };

  for (const transport of ["udp", "tcp", "tls"] as const) {
    for (const host of ["127.0.0.1", "[::1]"]) {
      test(`allocates, binds a channel and hears itself over ${transport} at ${host}`, async () => {
        const probe = await open(transport, host);
        const { mappedAddress } = await probe.must({ kind: "binding" });
        assert.equal(mappedAddress && formatAddress(mappedAddress), formatAddress(probe.local));
        const { relayedAddresses, lifetimeSeconds } = await probe.must({
          kind: "allocate",
          family: host === "127.0.0.1" ? 4 : 6,
        });
        const [relayed] = relayedAddresses;
        assert.ok(relayed);
        assert.equal(lifetimeSeconds, 600);

        await probe.must({ kind: "createPermission", peers: [relayed] });
        probe.send(relayed, Uint8Array.of(1, 2, 3));
        assert.deepEqual(await probe.nextData(2000), {
          kind: "data",
          peer: relayed,
          channel: undefined,
          bytes: Uint8Array.of(1, 2, 3),
        });

        await probe.must({ kind: "channelBind", channel: 0x4000, peer: relayed });
        probe.send(0x4000, new Uint8Array(1001).fill(5));
        assert.deepEqual(await probe.nextData(2000), {
          kind: "data",
          peer: relayed,
          channel: 0x4000,
          bytes: new Uint8Array(1001).fill(5),
        });

        await probe.must({ kind: "refresh", lifetimeSeconds: 0 });
        probe.close();
      });
    }
  }

  test("a wrong credential is refused with 401", async () => {
    const probe = await open("udp", "127.0.0.1", "wrong");
    await assert.rejects(probe.must({ kind: "allocate" }), (error) => error instanceof RequestFailed && error.code === 401);
    probe.close();
  });

  test("a certificate of an unknown authority is refused, or reported where it is not to be verified", async () => {
    const server = parseAddress(`127.0.0.1:${coturn.tlsPort}`);
    await assert.rejects(Probe.open({ transport: "tls", server, tls: { servername: "localhost", verify: true } }));
    const probe = await Probe.open({ transport: "tls", server, tls: { servername: "localhost", verify: false } });
    assert.ok(probe.distrust);
    assert.match(probe.chain[0]?.subject ?? "", /CN=localhost/);
    probe.close();
  });

  test("tryUrl tells times, addresses and the chain", async () => {
    const options = { credentials: coturn.credentials(), ca: authority.pem, verify: true, nowUnixMs: Date.now() };
    const trial = await tryUrl(`turns:localhost:${coturn.tlsPort}?transport=tcp`, options);
    assert.equal(trial.problem, undefined);
    assert.equal(trial.distrust, undefined);
    assert.match(trial.chain?.[0]?.names ?? "", /localhost/);
    for (const ms of [trial.connectMs, trial.bindingMs, trial.allocateMs, trial.roundTripMs])
      assert.ok(ms !== undefined && ms > 0);
  });

  test("tryUrl blames what went wrong", async () => {
    const options = { credentials: coturn.credentials(), verify: true, nowUnixMs: Date.now() };
    const untrusted = await tryUrl(`turns:localhost:${coturn.tlsPort}`, options);
    assert.match(untrusted.problem ?? "", /not trusted/);
    const wrong = await tryUrl(`turn:127.0.0.1:${coturn.port}`, {
      ...options,
      credentials: { username: "x", credential: "y" },
    });
    assert.match(wrong.problem ?? "", /401/);
    assert.match((await tryUrl("turn:127.0.0.1:1?transport=tcp", options)).problem ?? "", /refused|ECONNREFUSED|connect/i);
    assert.match((await tryUrl("http://127.0.0.1", options)).problem ?? "", /no stun:/);
  });
});
