import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Alternates } from "../../src/gateway/alternates.ts";
import { formatIp } from "../../src/net/ip.ts";
import type { AlternateServer } from "../../src/turn/alternate.ts";

function scene(names: Record<string, readonly string[]>) {
  const told: string[][] = [];
  const asked: string[] = [];
  const say = ({ ip, udp, tcp, tls }: AlternateServer): string => `${formatIp(ip)} ${[udp, tcp, tls].join("/")}`;
  const alternates = new Alternates(
    (servers) => told.push(servers.map(say)),
    async (name) => {
      asked.push(name);
      const addresses = names[name];
      if (addresses === undefined) throw new Error("ENOTFOUND");
      return addresses;
    },
  );
  return { alternates, told, asked, names };
}

describe("Alternates", () => {
  const b = { hostname: "b.example", udp: 1, tls: 3, relay: true };

  test("names become addresses, and addresses stay", async () => {
    const { alternates, told } = scene({ "b.example": ["192.0.2.1", "2001:db8::1"] });
    await alternates.take([b, { hostname: "192.0.2.9", tcp: 2, relay: true }], 0);
    assert.deepEqual(told, [["192.0.2.1 1//3", "2001:db8::1 1//3", "192.0.2.9 /2/"]]);
  });

  test("a name is looked up once a minute, and what is the same is told once", async () => {
    const { alternates, told, asked, names } = scene({ "b.example": ["192.0.2.1"] });
    for (const second of [0, 1, 59, 60]) await alternates.take([b], second * 1000);
    assert.deepEqual([told.length, asked.length], [1, 2]);
    names["b.example"] = ["192.0.2.2"];
    await alternates.take([b], 120_000);
    assert.deepEqual(told[1], ["192.0.2.2 1//3"]);
    await alternates.take([], 121_000);
    assert.deepEqual(told[2], []);
  });

  test("a name that means nothing, and a gateway that does not relay, are none", async () => {
    const { alternates, told } = scene({});
    await alternates.take([b, { hostname: "192.0.2.9", udp: 2, relay: false }], 0);
    assert.deepEqual(told, []);
  });
});
