import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { describe, test } from "node:test";
import { startFirefox } from "../../support/firefox.ts";
import { HOSTNAME, startGateway } from "../../support/gateway.ts";
import { needs, unless } from "../../support/needs.ts";
import { shared, SLOW } from "../../support/shared.ts";

const OCTETS = 200_000;
const FRAMES = 30;
const CALL_MS = 30_000;
const hasNetwork = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => !internal));

/**
 * Goal: the other browser makes its call through each URL that the API returns.
 *
 * Method: as with Chromium, two peer connections in one page, relay candidates alone; the certificate counts because the
 * profile trusts the test's authority and nothing is ignored.
 */
describe("Firefox", {
  skip:
    needs("firefox", "certutil") || unless(hasNetwork, "Firefox never ends gathering where there is no interface but loopback"),
}, () => {
  const gateway = shared(() => startGateway());
  const browser = shared(async () => startFirefox((await gateway()).authority.file, [HOSTNAME]));

  for (const [index, protocol] of [
    [1, "udp"],
    [2, "tcp"],
    [3, "tls"],
  ] as const) {
    test(`calls through the ${protocol} URL alone`, SLOW, async () => {
      const { iceServers } = await (await gateway()).mint({ label: `firefox-${protocol}` });
      const servers = iceServers.map(({ urls, ...pair }) => ({ urls: urls.slice(index, index + 1), ...pair }));
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
    const { iceServers } = await (await gateway()).mint({ label: "firefox" });
    const report = await (await browser()).call({ iceServers, octets: OCTETS, frames: FRAMES, withinMs: CALL_MS });
    assert.deepEqual(report.toFar, { octets: OCTETS, intact: true });
    assert.equal(report.near.local.type, "relay");
  });
});
