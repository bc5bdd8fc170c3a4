import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseIp } from "../../src/net/ip.ts";
import { DENIED_RANGES, deniedByDefault, embeddedIpv4 } from "../../src/net/special-ranges.ts";

describe("special ranges", () => {
  test("each names itself", () => {
    for (const { range, name } of DENIED_RANGES) assert.equal(deniedByDefault(range.ip)?.name, name);
  });

  const embedded = [
    { ip: "::ffff:192.0.2.1", is: "192.0.2.1" },
    { ip: "::192.0.2.1", is: "192.0.2.1" },
    { ip: "64:ff9b::c000:201", is: "192.0.2.1" },
    { ip: "2002:c000:201::1", is: "192.0.2.1" },
    { ip: "64:ff9b:1::c000:201", is: undefined },
    { ip: "64:ff9b::1:c000:201", is: undefined },
    { ip: "2001:db8::c000:201", is: undefined },
    { ip: "192.0.2.1", is: undefined },
  ];
  for (const { ip, is } of embedded) {
    test(`${ip} stands for ${is}`, () => assert.deepEqual(embeddedIpv4(parseIp(ip)), is === undefined ? undefined : parseIp(is)));
  }
});
