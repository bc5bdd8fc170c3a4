import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aioiceCall, type ForeignReport, peerCall, WHOLE_CHANNEL, WHOLE_DATAGRAMS } from "../../support/clients/foreign-call.ts";
import { startGateway } from "../../support/gateway.ts";
import { needs } from "../../support/needs.ts";
import { shared, SLOW } from "../../support/shared.ts";

/** Long enough for every call that comes about; what a client cannot do is watched for as long. */
const LIMIT_MS = 3_000;

/**
 * Goal: clients whose authors have never seen this server reach each other through it.
 *
 * Method: each package calls itself, with relay candidates alone and one URL at a time. What a client cannot do has a test
 * too, so that the day when it can is noticed. The host is an address, for these clients ask the system's resolver.
 */
describe("clients that are not browsers", () => {
  const gateway = shared(() => startGateway({ settings: { hostname: "127.0.0.1" } }));

  describe("werift, WebRTC in TypeScript", { skip: needs("werift") }, () => {
    for (const transport of ["udp", "tcp", "tls"] as const) {
      test(`calls over ${transport}`, SLOW, async () => assertCalled(await peerCall("werift", await gateway(), transport)));
    }
  });

  describe("@roamhq/wrtc, Chromium's WebRTC", { skip: needs("@roamhq/wrtc") }, () => {
    for (const transport of ["udp", "tcp"] as const) {
      test(`calls over ${transport}`, SLOW, async () => {
        assertCalled(await peerCall("@roamhq/wrtc", await gateway(), transport));
      });
    }

    test("trusts only the authorities compiled into it, so refuses a test's certificate over tls", SLOW, async () => {
      assertNotCalled(await peerCall("@roamhq/wrtc", await gateway(), "tls", { withinMs: LIMIT_MS }));
    });
  });

  describe("node-datachannel, on libjuice", { skip: needs("node-datachannel") }, () => {
    test("calls over udp", SLOW, async () => {
      assertCalled(await peerCall("node-datachannel/polyfill", await gateway(), "udp"));
    });

    for (const transport of ["tcp", "tls"] as const) {
      test(`has no TURN over ${transport}: libjuice speaks UDP alone`, SLOW, async () => {
        assertNotCalled(await peerCall("node-datachannel/polyfill", await gateway(), transport, { withinMs: LIMIT_MS }));
      });
    }
  });

  describe("aioice, ICE in Python", { skip: needs("aioice") }, () => {
    for (const transport of ["udp", "tcp", "tls"] as const) {
      test(`exchanges datagrams over ${transport}`, SLOW, async () => {
        const { toFar, toNear, candidates } = await aioiceCall(await gateway(), transport);
        assert.deepEqual({ toFar, toNear }, { toFar: WHOLE_DATAGRAMS, toNear: WHOLE_DATAGRAMS });
        assertRelayed(candidates);
      });
    }
  });
});

function assertCalled({ toFar, toNear, candidates, problem }: ForeignReport): void {
  assert.deepEqual({ toFar, toNear, problem }, { toFar: WHOLE_CHANNEL, toNear: WHOLE_CHANNEL, problem: undefined });
  assertRelayed(candidates);
}

function assertRelayed(candidates: readonly string[]): void {
  assert.ok(candidates.length >= 2);
  for (const candidate of candidates) assert.match(candidate, /^(a=)?\S+ 1 udp \d+ 127\.0\.0\.1 \d+ typ relay/i);
}

/** A call that did not come about because no candidate did. */
function assertNotCalled({ toFar, candidates, problem }: ForeignReport): void {
  assert.deepEqual({ toFar, candidates }, { toFar: undefined, candidates: [] });
  assert.match(problem ?? "", /nothing came about/);
}
