import { nanosecondsPer, seeded } from "./support/measure.ts";
import { randomFrom } from "../src/lib/random.ts";
import { parseIp } from "../src/net/ip.ts";
import { PortTable } from "../src/policy/ports.ts";
import { SharedLedger } from "../src/policy/ledger.ts";

const octet = seeded(1);
const random = randomFrom((count) => Uint8Array.from({ length: count }, () => octet(256)));
const ip = parseIp("192.0.2.1");
const shape = { addresses: [{ local: ip, shown: ip }], firstPort: 49_152, lastPort: 65_535 };
const PORTS = shape.lastPort - shape.firstPort + 1;

/** What an allocation costs in shared memory: a port claimed and given back, with the range as full as named; a quota taken and returned. */
const claims = [0, 0.5, 0.99].map((fullness) => `${claimAndRelease(fullness)} ns ${fullness * 100} % full`);
process.stdout.write(
  `ports: a claim and its release of ${PORTS} ports: ${claims.join(", ")}; a quota ${reserveAndRelease()} ns\n`,
);

function claimAndRelease(fullness: number): number {
  const table = new PortTable(PortTable.memory(shape), shape, random);
  for (let taken = 0; taken < fullness * PORTS; taken++) table.claim(0, { even: false, pair: false }, 0);
  return nanosecondsPer(20_000, (i) => {
    const nowMs = i * 1000; // a claim a second, so that ports rest as they do in the field
    const port = table.claim(0, { even: false, pair: false }, nowMs);
    if (port === undefined) throw new Error("No port is left");
    table.release(0, port, nowMs);
  });
}

function reserveAndRelease(): number {
  const limits = { perCredential: 10, perLabel: 10, perProject: 0 };
  const ledger = new SharedLedger(SharedLedger.memory(10_000), limits, random.bytes(32));
  return nanosecondsPer(20_000, (i) => {
    const claim = {
      project: "project_ab12",
      username: `1718200000:project_ab12:user${i % 500}`,
      label: `user${i % 500}`,
      client: ip,
    };
    if (ledger.reserve(claim) !== "reserved") throw new Error("The quota is not free");
    ledger.release(claim);
  });
}
