import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Admission, type Visit } from "../../src/edge/admission.ts";
import { parseAddress } from "../../src/net/address.ts";

const server = parseAddress("192.0.2.1:443");
const from = (text: string) => parseAddress(text);

describe("Admission", () => {
  test("closes what is over each limit, counts it, and lets in again when one has gone", () => {
    const admission = new Admission({ connections: 3, undecided: 2, withoutAllocation: 2 });
    const one = admission.admit(from("198.51.100.1:1"), server);
    const two = admission.admit(from("198.51.100.1:2"), server);
    assert.equal(admission.admit(from("198.51.100.2:1"), server), undefined);
    one?.decided();
    two?.decided();
    assert.equal(admission.admit(from("198.51.100.1:3"), server), undefined);
    const three = admission.admit(from("198.51.100.2:1"), server);
    assert.ok(three);
    assert.equal(admission.admit(from("198.51.100.3:1"), server), undefined);
    assert.deepEqual(admission.refused, { connections: 1, undecided: 1, withoutAllocation: 1 });
    three.ends();
    assert.ok(admission.admit(from("198.51.100.3:1"), server));
  });

  test("an allocation makes room for others of its address, until it ends", () => {
    const admission = new Admission({ connections: 9, undecided: 9, withoutAllocation: 1 });
    const one = admission.admit(from("198.51.100.1:1"), server);
    one?.allocated(true);
    const two = admission.admit(from("198.51.100.1:2"), server);
    assert.ok(two);
    two.ends();
    one?.allocated(false);
    assert.equal(admission.admit(from("198.51.100.1:3"), server), undefined);
  });

  test("addresses of one /64 are one, of two they are two", () => {
    const admission = new Admission({ connections: 9, undecided: 9, withoutAllocation: 1 });
    assert.ok(admission.admit(from("[2001:db8:0:1::1]:1"), server));
    assert.equal(admission.admit(from("[2001:db8:0:1:ffff::2]:1"), server), undefined);
    assert.ok(admission.admit(from("[2001:db8:0:2::1]:1"), server));
  });

  test("whatever happens in whatever order, nothing is counted when all have gone", () => {
    const step = fc.record({
      of: fc.nat({ max: 7 }),
      do: fc.constantFrom("admit" as const, "decided" as const, "allocated" as const, "freed" as const, "ends" as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const admission = new Admission({ connections: 4, undecided: 3, withoutAllocation: 2 });
        const visits: Visit[] = [];
        for (const { of, do: what } of steps) {
          const visit = visits[of % Math.max(visits.length, 1)];
          if (what === "admit") {
            const admitted = admission.admit(from(`198.51.100.${of % 3}:1`), server);
            if (admitted !== undefined) visits.push(admitted);
          } else if (what === "decided") visit?.decided();
          else if (what === "ends") visit?.ends();
          else visit?.allocated(what === "allocated");
        }
        for (const visit of visits) visit.ends();
        assert.deepEqual([admission.connections, admission.undecided, admission.addresses], [0, 0, 0]);
      }),
    );
  });
});
