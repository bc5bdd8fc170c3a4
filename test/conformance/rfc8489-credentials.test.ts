import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toHex } from "../../src/lib/bytes.ts";
import { PASSWORD_ALGORITHM } from "../../src/stun/attributes/password-algorithm.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { userhash } from "../../src/stun/integrity.ts";
import type { Message } from "../../src/stun/message.ts";
import type { AskOptions, SimulatedClient } from "../support/simulated-client.ts";
import { Simulation } from "../support/simulation.ts";
import { TURN_REQUESTS } from "../support/turn-requests.ts";

/** What each request is answered with, and that all agree. */
function codesOf(client: SimulatedClient, options: AskOptions): unknown {
  const codes = TURN_REQUESTS.map(({ method, fill }) => client.ask(method, fill, { retry: false, ...options }).outcome);
  assert.equal(new Set(codes).size, 1, `all the same: ${codes}`);
  return codes[0];
}

/** An answer's octets without what may differ: the transaction id, and the nonce. */
function shapeOf({ bytes, nonce }: Message): string {
  return (toHex(bytes.subarray(0, 8)) + toHex(bytes.subarray(20))).replace(toHex(nonce ?? new Uint8Array(0)), "");
}

describe("RFC 8489 §9.2: long-term credentials", () => {
  test("RFC 8489 §9.2.4: a request without integrity is 401, with realm and nonce", () => {
    const client = new Simulation().client();
    assert.equal(codesOf(client, { integrity: "none" }), 401);
    const { message } = client.ask(3, () => {}, { integrity: "none" });
    assert.equal(message?.realm, "relay.example.com");
    assert.equal(message?.nonce?.length, 16);
    assert.equal(message?.messageIntegrity, undefined);
  });

  test("RFC 8489 §9.2.4: integrity without USERNAME, REALM or NONCE is 400", () => {
    for (const part of ["username", "realm", "nonce"] as const) {
      for (const integrity of ["sha1", "sha256"] as const) {
        assert.equal(codesOf(new Simulation().client(), { integrity, without: [part] }), 400, part);
      }
    }
  });

  test("RFC 8489 §9.2.4: an unknown username is 401", () => {
    const client = new Simulation().client();
    for (const username of ["somebody", "", "1700009999:nowhere"]) assert.equal(codesOf(client, { username }), 401, username);
  });

  test("RFC 8489 §9.2.4: an expired username is 401", () => {
    const world = new Simulation();
    const client = world.client({ username: world.username(1) });
    world.advance({ seconds: 1 });
    assert.equal(codesOf(client, {}), 401);
  });

  test("RFC 8489 §9.2.4: a revoked username is 401", () => {
    const world = new Simulation();
    const client = world.client();
    world.authority.revoked.add(client.username);
    assert.equal(codesOf(client, {}), 401);
  });

  test("RFC 8489 §9.2.4: USERHASH in place of USERNAME is 401", () => {
    const client = new Simulation().client();
    const hash = userhash(client.username, "relay.example.com");
    for (const { method, fill } of TURN_REQUESTS) {
      const hashed = client.ask(method, (b) => [fill(b), b.add(ATTRIBUTE.userhash, hash)], { without: ["username"] });
      assert.equal(hashed.outcome, 401);
    }
  });

  test("RFC 8489 §9.2.4: wrong integrity is 401", () => {
    const client = new Simulation().client();
    assert.equal(codesOf(client, { password: "guess" }), 401);
    assert.equal(codesOf(client, { password: "guess", integrity: "sha256" }), 401);
  });

  test("RFC 8489 §9.2.4: a nonce that is too old is 438, with a new one that works", () => {
    const world = new Simulation();
    const client = world.client({ username: world.username(7200) });
    assert.equal(client.ask(4).outcome, 437);
    world.advance({ seconds: 600 });
    assert.equal(client.ask(4, undefined, { retry: false }).outcome, 437);
    world.advance({ seconds: 1 });
    assert.equal(client.ask(4, undefined, { retry: false }).outcome, 438);
    assert.equal(client.ask(4, undefined, { retry: false }).outcome, 437);
  });

  test("RFC 8489 §9.2.4: a nonce that is not ours is 438, for every request", () => {
    const client = new Simulation().client();
    const strange = ["", "x", "AAAAAAAAAAAAAAAA", "ÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿ", "obMatJos2gAAAAAAAAAAAAAAAAAAAA"];
    for (const text of strange) assert.equal(codesOf(client, { nonce: new TextEncoder().encode(text) }), 438, text);
  });

  test("RFC 8489 §9.2.4: the nonce of another address, port or transport is 438", () => {
    const world = new Simulation();
    const owner = world.client({ address: "192.0.2.1:1000" });
    owner.ask(4);
    const nonce = owner.nonce ?? new Uint8Array(0);
    const strangers = [
      { address: "192.0.2.1:1001" },
      { address: "192.0.2.2:1000" },
      { address: "192.0.2.1:1000", transport: "tcp" as const },
    ];
    for (const options of strangers) assert.equal(codesOf(world.client(options), { nonce }), 438);
    assert.equal(codesOf(owner, { nonce, integrity: "none" }), 401);
    assert.equal(owner.ask(4, undefined, { nonce }).outcome, 437);
  });

  test("RFC 8489 §9.2.4: credentials are judged before the nonce", () => {
    const client = new Simulation().client();
    const nonce = new TextEncoder().encode("AAAAAAAAAAAAAAAA");
    assert.equal(codesOf(client, { nonce, password: "guess" }), 401);
    assert.equal(codesOf(client, { nonce, username: "somebody" }), 401);
    assert.equal(codesOf(client, { nonce, without: ["realm"] }), 400);
  });

  test("RFC 8489 §9.2.4: every 401 is the same octets but for transaction id and nonce", () => {
    for (const transport of ["udp", "tcp"] as const) {
      const world = new Simulation();
      const client = world.client({ transport, username: world.username(10) });
      client.ask(4);
      world.authority.revoked.add("1900000000:project_revoked");
      const tries: AskOptions[] = [
        { integrity: "none" },
        { username: "nobody" },
        { password: "guess" },
        { username: "1900000000:project_revoked" },
        { username: "1600000000:project_ab12" },
        { nonce: new Uint8Array(16), password: "guess" },
      ];
      const shapes = tries.map((options) => {
        const { outcome, message } = client.ask(4, undefined, options);
        assert.equal(outcome, 401);
        assert.ok(message);
        return shapeOf(message);
      });
      assert.equal(new Set(shapes).size, 1);
    }
  });

  test("RFC 8489 §9.2.4: answers carry the integrity that the request had", () => {
    const world = new Simulation();
    const client = world.client();
    const { message } = client.tryAllocate({}, { integrity: "sha256" });
    assert.ok(message?.messageIntegritySha256);
    assert.equal(message?.messageIntegrity, undefined);
    const refused = client.tryAllocate({}, { integrity: "sha256" });
    assert.equal(refused.outcome, 437);
    assert.ok(refused.message?.messageIntegritySha256);
  });
});

describe("RFC 8489 §9.2.3, §9.2.4: password algorithms on streams", () => {
  test("are offered with the nonce cookie, on TCP and TLS and never on UDP", () => {
    const world = new Simulation();
    for (const transport of ["tcp", "tls"] as const) {
      const { message } = world.client({ transport }).ask(3, () => {}, { integrity: "none" });
      assert.equal(new TextDecoder().decode(message?.nonce?.subarray(0, 13)), "obMatJos2gAAA");
      const { sha256, md5 } = PASSWORD_ALGORITHM;
      assert.deepEqual(
        message?.passwordAlgorithms?.map(({ algorithm }) => algorithm),
        [sha256, md5],
      );
      assert.equal(message?.errorCode?.reason, "Unauthenticated");
    }
    const { message } = world.client().ask(3, () => {}, { integrity: "none" });
    assert.equal(message?.passwordAlgorithms, undefined);
    assert.equal(message?.errorCode?.reason, "");
  });

  test("RFC 8489 §9.2.4: each offered algorithm proves a password, and none means MD5", () => {
    for (const algorithm of ["md5", "sha256", undefined] as const) {
      for (const integrity of ["sha1", "sha256"] as const) {
        const client = new Simulation().client({ transport: "tls" });
        const options = algorithm === undefined ? { integrity } : { integrity, algorithm };
        assert.equal(client.tryAllocate({}, options).outcome, "ok", `${algorithm}, ${integrity}`);
      }
    }
  });

  test("RFC 8489 §9.2.4: an algorithm without the list that was offered, or none of it, is 400", () => {
    const parameters = new Uint8Array(0);
    const [md5, sha256, other] = [1, 2, 3].map((algorithm) => ({ algorithm, parameters }));
    assert.ok(md5 && sha256 && other);
    const lists = [
      { chosen: sha256, offered: undefined },
      { chosen: undefined, offered: [sha256, md5] },
      { chosen: md5, offered: [md5] },
      { chosen: md5, offered: [md5, sha256] },
      { chosen: other, offered: [sha256, md5] },
    ];
    for (const { chosen, offered } of lists) {
      const client = new Simulation().client({ transport: "tcp" });
      for (const { method, fill } of TURN_REQUESTS) {
        const { outcome } = client.ask(method, (b) => {
          fill(b);
          if (chosen !== undefined) b.add(ATTRIBUTE.passwordAlgorithm, chosen);
          if (offered !== undefined) b.add(ATTRIBUTE.passwordAlgorithms, offered);
        });
        assert.equal(outcome, 400);
      }
    }
  });
});
