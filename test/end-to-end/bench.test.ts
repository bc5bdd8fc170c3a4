import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LoadReport } from "../../src/client/load.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { shared, UNHURRIED } from "../support/shared.ts";

/** Goal: the load says what was relayed, over every transport, and leaves nothing behind. */
describe("icebreaker bench", () => {
  const gateway = shared(() => startGateway());

  for (const transport of ["udp", "tcp", "tls"] as const) {
    test(`packets run through ${transport.toUpperCase()} clients' allocations and back`, UNHURRIED, async () => {
      const running = await gateway();
      const report = await benchOf(running, "--transport", transport);
      assert.equal(report.allocations, 5);
      assert.ok(report.received > 100 && report.lossPercent < 50, JSON.stringify(report));
      const { p50 = 0, p99 = 0, max = 0 } = report.roundTripMs ?? {};
      assert.ok(p50 > 0 && p50 <= p99 && p99 <= max, JSON.stringify(report));
      assert.match((await running.ask({ path: "/metrics", over: "metrics" })).text, /^icebreaker_relay_ports_live 0$/m);
    });
  }

  test("with an API key, from elsewhere", UNHURRIED, async () => {
    const running = await gateway();
    const report = await benchOf(running, "--url", `http://127.0.0.1:${running.ports.http}`, "--key", running.key);
    assert.ok(report.received > 100, JSON.stringify(report));
  });
});

async function benchOf(running: Gateway, ...args: string[]): Promise<LoadReport> {
  const at = ["--at", "127.0.0.1", "--allocations", "5", "--seconds", "1", "--json"];
  const { code, stdout, stderr } = await running.run("bench", ...at, ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}
