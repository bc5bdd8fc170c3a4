import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/net/address.ts";
import { parseIp } from "../../src/net/ip.ts";
import { PortTable } from "../../src/policy/ports.ts";
import { runRace } from "./support/races.ts";
import { seededRandom } from "./support/seeded-random.ts";

const random = seededRandom(7);
const pair = { even: true, pair: true };
const ip = parseIp("192.0.2.1");
const shape = { addresses: [{ local: ip, shown: ip }], firstPort: 40_000, lastPort: 49_999 };

describe("reserved ports", () => {
  test("the token gives the port and its descriptor, once, to any thread", () => {
    const memory = PortTable.memory(shape);
    const [a, b] = [new PortTable(memory, shape, random), new PortTable(memory, shape, random)];
    const { token, port } = reserved(a, 77);
    assert.deepEqual(b.redeem(token, 29_900), { address: 0, port, descriptor: 77 });
    assert.equal(a.redeem(token, 29_900), undefined);
    assert.equal(a.cancel(token), undefined);
  });

  test("a reserved port is no live relay until it is redeemed, and nobody else's", () => {
    const table = fresh();
    const { token, port } = reserved(table, 77);
    assert.ok(!table.isLive(parseAddress(`192.0.2.1:${port}`)));
    assert.equal(table.live, 2);
    table.redeem(token, 0);
    assert.ok(table.isLive(parseAddress(`192.0.2.1:${port}`)));
    table.release(0, port, 0);
    assert.equal(table.live, 1);
  });

  test("after 30 seconds the token is good for giving back alone", () => {
    const table = fresh();
    const { token, port } = reserved(table, 77);
    assert.equal(table.redeem(token, 30_000), undefined);
    assert.deepEqual(table.cancel(token), { address: 0, port, descriptor: 77 });
    table.release(0, port, 30_000);
    assert.equal(table.live, 1);
  });

  test("an unknown token gives nothing", () => {
    const table = fresh();
    const { token } = reserved(table, 77);
    for (const octet of token.keys()) {
      assert.equal(
        table.redeem(
          token.map((value, i) => (i === octet ? value ^ 1 : value)),
          0,
        ),
        undefined,
      );
    }
    assert.notEqual(table.redeem(token, 0), undefined);
  });

  test("where no room is left for a token, the port stays the caller's", () => {
    const table = fresh();
    const tokens = new Set<Uint8Array>();
    const sameplace = (i: number): Uint8Array => Uint8Array.of(0, 0, 0, 9, 0, 0, i >> 8, i & 255);
    for (let i = 0; ; i++) {
      const port = (table.claim(0, pair, 0) ?? 0) + 1;
      const token = sameplace(i);
      if (table.reserve(token, 0, port, i, 0)) {
        tokens.add(token);
        continue;
      }
      assert.equal(table.redeem(token, 0), undefined);
      assert.ok(table.isLive(parseAddress(`192.0.2.1:${port}`)));
      table.release(0, port, 0);
      break;
    }
    assert.ok(tokens.size >= 32);
    for (const token of tokens) assert.equal(table.redeem(token, 0)?.descriptor, (token[6] ?? 0) * 256 + (token[7] ?? 0));
    assert.ok(reserved(table, 1), "and there is room again");
  });

  test("2,000 reservations at a time come back", () => {
    const table = fresh();
    const all = Array.from({ length: 2000 }, (_, i) => reserved(table, i));
    assert.ok(all.every(({ token, port }) => table.redeem(token, 1000)?.port === port));
  });
});

/** Goal: a token is good once. Method: four real threads bring the same 1,000 tokens at the same time. */
test("of four threads that bring a token one gets the port", async () => {
  const memory = PortTable.memory(shape);
  const table = new PortTable(memory, shape, random);
  const tokens = Array.from({ length: 1000 }, (_, i) => reserved(table, i).token);
  const redeemed = (await runRace<number[]>(4, { race: "redeem", memory, shape, tokens })).flat();
  assert.equal(redeemed.length, tokens.length);
  assert.equal(new Set(redeemed).size, tokens.length);
  assert.ok(tokens.every((token) => table.cancel(token) === undefined));
});

function fresh(): PortTable {
  return new PortTable(PortTable.memory(shape), shape, random);
}

function reserved(table: PortTable, descriptor: number): { token: Uint8Array; port: number } {
  const port = (table.claim(0, pair, 0) ?? 0) + 1;
  const token = random.bytes(8);
  assert.ok(table.reserve(token, 0, port, descriptor, 0));
  return { token, port };
}
