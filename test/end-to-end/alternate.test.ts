import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/net/address.ts";
import { startGateway } from "../support/gateway.ts";
import { UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp, hearsItself } from "../support/talk.ts";

/** Two gateways of one region and one database: while one drains, it sends new clients to the other. */
describe("two gateways", () => {
  test(
    "a draining one answers 300 with the other's address for each transport, and 508 when that is gone",
    UNHURRIED,
    async () => {
      const settings = { hostname: "127.0.0.1", shutdown: { deadline: 20 } };
      const first = await startGateway({ settings });
      const second = await startGateway({ settings, beside: first });
      const credentials = await first.mint();
      const live = await allocate(await first.probe("udp", { credentials }));
      const clients = await Promise.all(
        (["udp", "tcp", "tls"] as const).map(async (transport) => ({
          transport,
          probe: await first.probe(transport, { credentials }),
        })),
      );
      const late = await first.probe("tcp", { credentials });
      const alternate = async (probe = late): Promise<unknown> => {
        const answer = await probe.ask({ kind: "allocate" });
        return answer.kind === "refused" ? (answer.alternateServer ?? answer.code) : answer.kind;
      };

      first.child.process.kill("SIGTERM");
      await until(async () => (await first.ask({ path: "/readyz", over: "metrics" })).status === 503, 1000, "/readyz 503");
      for (const { transport, probe } of clients) {
        assert.deepEqual(await alternate(probe), parseAddress(`127.0.0.1:${second.ports[transport]}`), transport);
        probe.close();
        const there = await allocate(await second.probe(transport, { credentials }));
        await hearsItself(there);
        await hangUp(there);
      }
      await hearsItself(live);
      await second.stop();
      await until(async () => (await alternate()) === 508, 5000, "508 without the other gateway");
      late.close();
      await hangUp(live);
      await first.stop();
    },
  );
});
