import { parseArgs } from "node:util";
import { openLibc } from "../src/dataplane/libc.ts";
import type { Packet, PlaneHandler } from "../src/dataplane/plane.ts";
import { openRuntime } from "../src/runtime/runtime.ts";
import { objectsMade } from "./support/measure.ts";
import { RelayInProcess } from "./support/relay-in-process.ts";
import { UdpLoad } from "./support/udp-load.ts";

const MOST_PER_MILLION = 100;
const CLIENTS = 20;
const AT_ONCE = 4;

const { values } = parseArgs({
  options: {
    datagrams: { type: "string", default: "1000000" },
    /** Makes an object for each datagram on purpose, to see that it is seen. */
    litter: { type: "boolean", default: false },
  },
});
const datagrams = Number(values.datagrams);
const libc = openLibc(await openRuntime());
const relay = new RelayInProcess(libc, values.litter ? littering : undefined);
const load = new UdpLoad(libc, {
  server: relay.address,
  clients: CLIENTS,
  credentialsOf: () => relay.credentials,
  payload: 160,
  segmentation: true,
  beside: () => relay.turn(0),
});

/**
 * How many objects it makes to relay a million datagrams, half of them from clients to peers, half back: counted on the
 * heap of this process, in which clients, peers and a whole relay thread with its limits take turns.
 */
relayed(datagrams / 4); // what is compiled on the way is made here
const made = await objectsMade(() => relayed(datagrams));
if (made === undefined) {
  process.stdout.write("relay-objects: this runtime does not tell\n");
} else {
  const perMillion = Math.round((made * 1e6) / datagrams);
  process.stdout.write(`relay-objects: ${perMillion} objects for a million relayed datagrams (${made} for ${datagrams})\n`);
  if (perMillion >= MOST_PER_MILLION) process.exitCode = 1;
}
relay.close();

function relayed(count: number): void {
  const until = load.delivered + count;
  while (load.delivered < until) {
    for (let client = 0; client < CLIENTS; client++) {
      for (let i = 0; i < AT_ONCE; i++) load.send(client, i % 2 === 0 ? "to-peer" : "to-client");
    }
    load.turn(0);
    relay.turn(0);
    load.turn(0);
  }
}

function littering(shard: PlaneHandler): PlaneHandler {
  return {
    fromClient: (packet: Packet) => shard.fromClient(copyOf(packet)),
    fromPeer: (packet: Packet) => shard.fromPeer(packet),
    peerUnreachable: () => {},
    turnEnds: () => shard.turnEnds(),
  };
}

function copyOf(packet: Packet): Packet {
  return Object.assign(Object.create(Object.getPrototypeOf(packet)), packet);
}
