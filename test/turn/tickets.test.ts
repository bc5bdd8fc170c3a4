import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Secret } from "../../src/lib/secret.ts";
import { nextGeneration, Tickets } from "../../src/turn/tickets.ts";
import { seededRandom } from "../support/seeded-random.ts";

const secret = new Secret(Uint8Array.from({ length: 32 }, (_, i) => i));
const place = fc.record({ address: fc.nat(255), port: fc.nat(65_535) }).map(({ address, port }) => ({ address, port }));

describe("Tickets", () => {
  test("say what they were told, on every thread that has the secret, in 32 octets that never come again", () => {
    const [here, there] = [new Tickets(secret, seededRandom(1)), new Tickets(secret, seededRandom(2))];
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(place, { maxLength: 2 }), fc.nat(65_535), fc.boolean(), (places, generation, outlivesCredential) => {
        const ticket = { id: here.newId(), places, generation, outlivesCredential };
        const sealed = here.seal(ticket);
        assert.ok(sealed.length === 32 && !sealed.includes(0));
        assert.deepEqual(there.open(sealed), ticket);
        assert.ok(!seen.has(`${sealed}`) && !seen.has(`${here.seal(ticket)}`));
        seen.add(`${sealed}`);
      }),
    );
  });

  test("are refused with any bit changed, cut, longer, or under another secret", () => {
    const tickets = new Tickets(secret, seededRandom(1));
    const sealed = tickets.seal({ id: tickets.newId(), places: [], generation: 7, outlivesCredential: true });
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const forged = sealed.slice();
      forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(tickets.open(forged), undefined);
    }
    for (const other of [sealed.subarray(1), Uint8Array.of(...sealed, 0), new Uint8Array(32), new Uint8Array(0)]) {
      assert.equal(tickets.open(other), undefined);
    }
    assert.equal(new Tickets(new Secret(new Uint8Array(32)), seededRandom(1)).open(sealed), undefined);
  });

  test("generations go round", () => assert.deepEqual([nextGeneration(0), nextGeneration(65_535)], [1, 0]));
});
