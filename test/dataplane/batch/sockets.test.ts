import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Sockets } from "../../../src/dataplane/batch/sockets.ts";
import { parseAddress } from "../../../src/net/address.ts";

const ipv4 = parseAddress("127.0.0.1:1");
const ipv6 = parseAddress("[::1]:1");

/**
 * Goal: a number names one open socket, and comes again only after at least 256 others were freed behind it.
 * Method: a map from number to descriptor is the whole model; both live through the same random opens and closes.
 */
test("a number names one socket, and rests after it was freed", () => {
  fc.assert(fc.property(fc.infiniteStream(fc.nat(0xffff)), live), { numRuns: 5 });
});

function live(chance: Iterator<number>): void {
  const sockets = new Sockets();
  const open = new Map<number, number>();
  const freedAt = new Map<number, number>();
  let freed = 0;
  for (let descriptor = 0; descriptor < 2000; descriptor++) {
    const roll = chance.next().value ?? 0;
    const numbers = [...open.keys()];
    const victim = numbers[roll % (numbers.length || 1)];
    if ((roll & 0x8000) === 0 || victim === undefined) {
      const number = sockets.add(descriptor, roll % 2 === 0 ? ipv4 : ipv6);
      assert.ok(!open.has(number));
      assert.ok(freed - (freedAt.get(number) ?? -1000) >= 256);
      assert.equal(sockets.familyOf(number), roll % 2 === 0 ? 4 : 6);
      open.set(number, descriptor);
    } else {
      assert.ok(sockets.retire(victim));
      assert.ok(!sockets.retire(victim) && !sockets.isOpen(victim));
      sockets.remove(victim);
      freedAt.set(victim, freed++);
      open.delete(victim);
    }
  }
  for (const [number, descriptor] of open) assert.equal(sockets.descriptorOf(number), descriptor);
  for (let number = 0; number < sockets.bound; number++) assert.equal(sockets.isOpen(number), open.has(number));
}
