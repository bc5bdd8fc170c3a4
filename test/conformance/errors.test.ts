import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { METHOD } from "../../src/stun/header.ts";
import { parseAddress } from "../../src/net/address.ts";
import { Simulation } from "../support/simulation.ts";
import { rowsOf, testNames } from "../support/test-names.ts";

interface Row {
  readonly method: string;
  readonly cause: string;
  readonly code: string;
  readonly section: string;
  readonly test: string;
}

/** The rows of `docs/rfc/errors.md`. */
function rows(): Row[] {
  return rowsOf("docs/rfc/errors.md", 5).map(([method = "", cause = "", code = "", section = "", name = ""]) => {
    return { method, cause, code, section, test: name };
  });
}

describe("docs/rfc/errors.md", () => {
  test("names a test that exists in each of its rows", () => {
    const names = testNames("test");
    assert.ok(rows().length >= 70, "the table is read");
    for (const row of rows()) assert.ok(names.has(row.test), `no test is named "${row.test}" (${row.method}: ${row.cause})`);
  });

  test("has a method, a cause, a code and a section in each of its rows, and no row twice", () => {
    for (const row of rows()) {
      assert.match(
        row.method,
        /^(Binding|TURN|Allocate|Refresh|CreatePermission|ChannelBind|Connect|ConnectionBind)(, in ADDRESS-ERROR-CODE of a success)?$/,
      );
      assert.match(row.code, /^(300|400|401|403|405|420|437|438|440|441|442|443|446|447|486|508)$/);
      assert.match(row.section, /^RFC \d{4} §[\d.]+( \(\d+\))?$/);
      assert.ok(row.cause.length > 0);
    }
    const keys = rows().map(({ method, cause, code }) => `${method}: ${cause}: ${code}`);
    assert.equal(new Set(keys).size, keys.length);
  });

  test("has each test's code in the test's name", () => {
    for (const row of rows()) assert.match(row.test, new RegExp(`\\b${row.code}\\b`), row.test);
  });

  test("has a row for every method and code that random requests are answered with", () => {
    const known = new Set(rows().flatMap(({ method, code }) => methodsOf(method).map((name) => `${name} ${code}`)));
    const given = randomRefusals(1, 4000);
    assert.ok(given.size >= 16, `they reach many: ${[...given].join(", ")}`);
    for (const pair of given) assert.ok(known.has(pair), `${pair} has no row`);
  });
});

const TURN = ["allocate", "refresh", "createPermission", "channelBind"];

function methodsOf(cell: string): readonly string[] {
  const [word = ""] = cell.split(",");
  return word === "TURN" ? TURN : [word.slice(0, 1).toLowerCase() + word.slice(1)];
}

/** Methods and codes that requests with attributes thrown together are refused with. */
function randomRefusals(seed: number, count: number): Set<string> {
  const world = new Simulation({
    seed,
    ports: [50_000, 50_003],
    quota: { perCredential: 5 },
    settings: { peersPerAllocation: 9 },
  });
  const { random } = world;
  world.peers.denied.add("198.51.100.3");
  const { binding, allocate, refresh, createPermission, channelBind } = METHOD;
  const methods = [binding, allocate, refresh, createPermission, channelBind];
  const clients = Array.from({ length: 8 }, () => world.client({ username: world.username(86_000) }));
  const someone = (): string => world.username(86_000, `project_${random.below(3)}`);
  for (let i = 0; i < count; i++) {
    const client = clients[random.below(clients.length)];
    const method = methods[random.below(methods.length)];
    if (client === undefined || method === undefined) continue;
    const often = (percent: number): boolean => random.below(100) < percent;
    const options = { ...(often(10) ? { username: someone() } : {}), ...(often(5) ? { password: "guess" } : {}) };
    client.ask(
      method,
      (b) => {
        if (often(80)) b.add(ATTRIBUTE.requestedTransport, often(90) ? 17 : 6);
        if (often(20)) b.add(ATTRIBUTE.requestedAddressFamily, often(50) ? 6 : often(80) ? 4 : "unknown");
        if (often(20)) b.add(ATTRIBUTE.additionalAddressFamily, often(90) ? 6 : 4);
        if (often(20)) b.add(ATTRIBUTE.evenPort, { reserveNext: often(30) });
        if (often(10)) b.add(ATTRIBUTE.reservationToken, random.bytes(8));
        if (often(40)) b.add(ATTRIBUTE.lifetime, often(60) ? 0 : 700);
        if (often(90)) b.add(ATTRIBUTE.channelNumber, 0x3fff + random.below(20));
        const peer = often(10) ? "[2001:db8::1]:9" : `198.51.100.${random.below(20)}:${random.below(3)}`;
        if (often(90)) b.add(ATTRIBUTE.xorPeerAddress, parseAddress(peer));
      },
      options,
    );
    if (often(2)) world.advance({ seconds: random.below(400) });
  }
  const nameOf = new Map<number, string>(Object.entries(METHOD).map(([name, number]) => [number, name]));
  return new Set(world.eventsOf("rejected").map(({ method, code }) => `${nameOf.get(method)} ${code}`));
}
