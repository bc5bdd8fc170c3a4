import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startChromium } from "../support/chromium.ts";
import { HOSTNAME, startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { shared, SLOW } from "../support/shared.ts";

const OCTETS = 2_000_000;
const FRAMES = 30;
const CALL_MS = 30_000;

/**
 * Goal: a browser makes its call through each URL that the API returns.
 *
 * Method: two peer connections in one page, relay candidates alone; the certificate counts because the browser trusts
 * the test's authority and nothing is ignored.
 */
describe("Chromium", { skip: needs("chromium", "certutil") }, () => {
  const gateway = shared(() => startGateway());
  const browser = shared(async () => startChromium((await gateway()).authority.file, { [HOSTNAME]: "127.0.0.1" }));

  const alone = [
    { index: 1, protocol: "udp" },
    { index: 2, protocol: "tcp" },
    { index: 3, protocol: "tls" },
  ];
  for (const { index, protocol } of alone) {
    test(`calls through the ${protocol} URL alone`, SLOW, async () => {
      const { iceServers } = await (await gateway()).mint({ label: `alone-${protocol}` });
      const [{ urls, username, credential } = fail()] = iceServers;
      const servers = [{ urls: urls.slice(index, index + 1), username, credential }];
      const report = await (await browser()).call({ iceServers: servers, octets: OCTETS, frames: FRAMES, withinMs: CALL_MS });
      assert.deepEqual(report.toFar, { octets: OCTETS, intact: true });
      assert.deepEqual(report.toNear, { octets: OCTETS, intact: true });
      assert.ok(report.framesDecoded > FRAMES);
      for (const { local } of [report.near, report.far]) {
        assert.equal(local.type, "relay");
        assert.equal(local.relayProtocol, protocol);
      }
    });
  }

  test("calls through all four URLs as the API returns them", SLOW, async () => {
    const { iceServers } = await (await gateway()).mint({ label: "together" });
    const report = await (await browser()).call({ iceServers, octets: OCTETS, frames: FRAMES, withinMs: CALL_MS });
    assert.deepEqual(report.toFar, { octets: OCTETS, intact: true });
    assert.deepEqual(report.toNear, { octets: OCTETS, intact: true });
    assert.ok(report.framesDecoded > FRAMES);
    assert.equal(report.near.local.type, "relay");
  });

  test("calls through the answer of GET /api/v1/ice-servers", SLOW, async () => {
    const { key } = await gateway();
    const reply = await (await gateway()).ask({ path: `/api/v1/ice-servers?token=${key}`, over: "tls" });
    const { iceServers } = JSON.parse(reply.text);
    const report = await (await browser()).call({ iceServers, octets: 10_000, frames: 1, withinMs: CALL_MS });
    assert.equal(report.near.local.type, "relay");
  });

  test("gathers a server-reflexive candidate from the stun: URL alone", SLOW, async () => {
    const [{ urls } = fail()] = (await (await gateway()).mint()).iceServers;
    const iceServers = [{ urls: urls.slice(0, 1) }];
    const { candidates } = await (await browser()).gather({ iceServers, iceTransportPolicy: "all", withinMs: 10_000 });
    assert.ok(
      candidates.some(({ type, address }) => type === "srflx" && address === "127.0.0.1"),
      JSON.stringify(candidates),
    );
  });

  for (const { index, protocol } of alone) {
    test(`says 401 for a wrong credential over ${protocol}`, SLOW, async () => {
      const [{ urls, username } = fail()] = (await (await gateway()).mint({ label: "wrong" })).iceServers;
      const iceServers = [{ urls: urls.slice(index, index + 1), username, credential: "wrong" }];
      const { candidates, errors } = await (await browser()).gather({
        iceServers,
        iceTransportPolicy: "relay",
        withinMs: 10_000,
      });
      assert.deepEqual(candidates, []);
      assert.ok(
        errors.some(({ errorCode }) => errorCode === 401),
        JSON.stringify(errors),
      );
    });
  }
});

function fail(): never {
  throw new Error("The API returned no ICE server");
}
