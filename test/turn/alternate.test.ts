import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readUint16 } from "../../src/lib/bytes.ts";
import { formatAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import type { AlternateServer } from "../../src/turn/alternate.ts";
import { Simulation } from "../support/simulation.ts";

const four: AlternateServer = { ip: parseIp("203.0.113.8"), hostname: "b.example.com", udp: 3478, tls: 443 };
const six: AlternateServer = { ip: parseIp("2001:db8::8"), hostname: "b.example.com", udp: 3479 };

function draining(...servers: AlternateServer[]): Simulation {
  const world = new Simulation();
  world.handle({ kind: "alternates", servers });
  world.handle({ kind: "drain" });
  return world;
}

describe("new allocations while we drain", () => {
  test("RFC 8489 §10: 300 with ALTERNATE-SERVER, of the client's family and transport", () => {
    const world = draining(four, six);
    const over = (transport: "udp" | "tcp" | "tls", address: string) => {
      const { outcome, message } = world.client({ transport, address }).tryAllocate();
      const { alternateServer, alternateDomain } = message ?? {};
      return [outcome, alternateServer && formatAddress(alternateServer), alternateDomain];
    };
    assert.deepEqual(over("udp", "192.0.2.1:1"), [300, "203.0.113.8:3478", undefined]);
    assert.deepEqual(over("udp", "[2001:db8:1::1]:1"), [300, "[2001:db8::8]:3479", undefined]);
    assert.deepEqual(over("tls", "192.0.2.1:1"), [300, "203.0.113.8:443", "b.example.com"]);
    assert.deepEqual(over("tcp", "192.0.2.1:1"), [508, undefined, undefined]);
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §7.2: 508 where no other gateway is known", () => {
    assert.equal(draining().client().tryAllocate().outcome, 508);
  });

  test("RFC 8489 §10: over TLS an alternate known by its address alone has no ALTERNATE-DOMAIN", () => {
    const { message } = draining({ ...four, hostname: "203.0.113.8" })
      .client({ transport: "tls" })
      .tryAllocate();
    assert.equal(message?.alternateDomain, undefined);
  });

  test("RFC 8489 §14.8: a 300 is given to those who have proven a password, and is signed", () => {
    const world = draining(four);
    assert.ok(world.client().tryAllocate().message?.messageIntegrity);
    assert.equal(world.client().tryAllocate({}, { integrity: "none" }).outcome, 401);
    assert.equal(world.client().tryAllocate({}, { password: "guess" }).outcome, 401);
  });

  test("RFC 8489 §10: beside it stands the same server's address of the other family, if it has one", () => {
    const second = (...servers: AlternateServer[]): number => {
      const { type } = ATTRIBUTE.alternateServer;
      const message = draining(...servers)
        .client()
        .tryAllocate().message;
      return message?.offsets.filter((offset) => readUint16(message.bytes, offset) === type).length ?? 0;
    };
    assert.equal(second(four, six), 2);
    assert.equal(second(four), 1);
    assert.equal(second(four, { ...six, hostname: "c.example.com" }), 1);
  });

  test("all of them get their share", () => {
    const world = draining(four, { ...four, ip: parseIp("203.0.113.9") });
    const chosen = Array.from({ length: 40 }, () => world.client().tryAllocate().message?.alternateServer);
    assert.equal(new Set(chosen.map((address) => address && formatAddress(address))).size, 2);
  });

  test("strangers are asked for credentials as always, and what lives goes on", () => {
    const world = new Simulation();
    const live = world.client().allocate();
    world.handle({ kind: "alternates", servers: [four] });
    world.handle({ kind: "drain" });
    assert.equal(live.refresh().outcome, "ok");
    assert.equal(world.client().tryAllocate({}, { integrity: "none" }).outcome, 401);
  });
});
