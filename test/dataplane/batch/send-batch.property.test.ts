import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BatchPlane } from "../../../src/dataplane/batch/plane.ts";
import { type Libc, openLibc } from "../../../src/dataplane/libc.ts";
import { openRelaySocket, openUdpListener, socketName } from "../../../src/dataplane/socket.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { payload, Recorder, socketAddress } from "../../suites/dataplane.ts";

const real = openLibc(await openRuntime());
const anywhere = parseAddress("127.0.0.1:0");
const ERRNOS = [1, 5, 11, 22, 90, 101, 105, 111, 113];

/** One datagram: from which relay, to which receiver, how long, with DF; and whether the turn ends after it. */
const datagram = fc.record({
  relay: fc.nat(2),
  receiver: fc.nat(2),
  length: fc.constantFrom(8, 100, 100, 100, 100, 101, 1472, 1473, 9000),
  dontFragment: fc.boolean(),
  turnEnds: fc.nat(15).map((roll) => roll === 0),
});
/** What the kernel does with a call: all of it, a part, or an error. */
const mood = fc.oneof(
  { weight: 4, arbitrary: fc.constant("all" as const) },
  { weight: 2, arbitrary: fc.constant("half" as const) },
  { weight: 2, arbitrary: fc.constantFrom(...ERRNOS) },
);

/**
 * Goal: whatever the kernel refuses, each datagram arrives once or is counted as dropped, and those that arrive keep
 * the order of their relay. Method: calls fail or send only a part by chance; received and dropped must add up.
 */
test("each datagram is sent once, in order, or counted", () => {
  fc.assert(
    fc.property(
      fc.array(datagram, { minLength: 1, maxLength: 120, size: "max" }),
      fc.infiniteStream(mood),
      (datagrams, moods) => {
        const moody = moodyLibc(moods);
        const heard = new Recorder();
        const descriptors = [0, 1, 2].map(() => openUdpListener(real, anywhere, { receiveBufferBytes: 4_000_000 }));
        const listeners = descriptors.map((descriptor) => ({ descriptor, address: socketName(real, descriptor) }));
        const receiver = new BatchPlane(real, { listeners }, heard);
        const sender = new BatchPlane(moody, { listeners: [], slots: 32 }, new Recorder());
        const relays = [0, 1, 2].map(() => {
          const socket = openRelaySocket(real, anywhere);
          return sender.openRelay(socket, socketName(real, socket));
        });
        const arrived: string[][] = [0, 1, 2].map(() => []);
        heard.onClient = ({ socket }) => {
          const bytes = heard.fromClients.pop() ?? Buffer.alloc(0);
          const number = bytes.readUInt32BE();
          assert.deepEqual(bytes, payload(bytes.length, number));
          const sent = datagrams[number];
          assert.equal(sent?.length, bytes.length);
          assert.equal(sent?.receiver, socket);
          arrived[sent?.relay ?? 0]?.push(`${socket} ${String(number).padStart(3, "0")}`);
        };
        for (const [number, { relay, receiver: to, length, dontFragment, turnEnds }] of datagrams.entries()) {
          const bytes = payload(length, number);
          const address = listeners[to]?.address ?? anywhere;
          sender.sendToPeer(relays[relay] ?? 0, socketAddress(address), bytes, 0, length, dontFragment);
          if (turnEnds) sender.turn(0);
        }
        sender.turn(0);
        for (let i = 0; i < 20; i++) receiver.turn(0);
        for (const of of arrived) {
          assert.equal(new Set(of).size, of.length, "once");
          for (const socket of ["0", "1", "2"]) {
            const numbers = of.filter((entry) => entry.startsWith(socket));
            assert.deepEqual(numbers, numbers.toSorted(), "in order");
          }
        }
        assert.equal(arrived.flat().length + sender.counters.sendDrops, datagrams.length);
        sender.close();
        receiver.close();
      },
    ),
    { numRuns: 40 },
  );
});

/** The system's, but for sends that fail or take only a part of what they were given. */
function moodyLibc(moods: Iterator<"all" | "half" | number>): Libc {
  let errno = 0;
  return {
    ...real,
    scratch: real.scratch,
    errno: () => errno || real.errno(),
    sendmmsg(descriptor, messages, count, flags) {
      const next = moods.next().value ?? "all";
      errno = typeof next === "number" ? next : 0;
      if (errno !== 0) return -1;
      return real.sendmmsg(descriptor, messages, next === "half" ? Math.ceil(count / 2) : count, flags);
    },
    sendto(...values) {
      const next = moods.next().value ?? "all";
      errno = typeof next === "number" ? next : 0;
      return errno === 0 ? real.sendto(...values) : -1;
    },
    recvmmsg(...values) {
      errno = 0;
      return real.recvmmsg(...values);
    },
  };
}
