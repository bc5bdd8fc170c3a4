import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { METHOD } from "../../src/stun/header.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import type { SimulatedClient } from "../support/simulated-client.ts";
import { Simulation } from "../support/simulation.ts";

const UDP = 17;

const QUEUE = 8192;

/** So many datagrams in full turns, at this very moment, that they are a share of a listener's buffer. */
function press(world: Simulation, level: number): void {
  const { monotonicMs } = world.now;
  world.pressure.turnBegins(monotonicMs);
  world.pressure.turnEnds(QUEUE * level, () => monotonicMs);
}

const binding = (client: SimulatedClient) => client.ask(METHOD.binding, () => {}, { integrity: "none" }).outcome;
const challenge = (client: SimulatedClient, method: number = METHOD.allocate) =>
  client.ask(method, (builder) => builder.add(ATTRIBUTE.requestedTransport, UDP), { integrity: "none" }).outcome;

describe("under pressure", () => {
  const levels: readonly [string, number, readonly ("ok" | "silence" | 401 | 508)[]][] = [
    ["without any", 0, ["ok", 401, "ok"]],
    ["Binding answers are given up first", 0.3, ["silence", 401, "ok"]],
    ["then 401s", 0.6, ["silence", "silence", "ok"]],
    ["then new allocations, which are told so", 0.8, ["silence", "silence", 508]],
    ["and not even that when there is no time", 0.95, ["silence", "silence", "silence"]],
  ];
  for (const [what, level, expected] of levels) {
    test(`${what}, and no live allocation suffers`, () => {
      const world = new Simulation();
      const live = world.client().allocate({ lifetime: 3600 });
      live.channelBind(0x4000, "198.51.100.1:9");
      const proven = world.client();
      challenge(proven); // it has a nonce now, and could allocate
      press(world, level);

      const stranger = world.client();
      assert.deepEqual([binding(stranger), challenge(stranger), proven.tryAllocate().outcome], expected);
      assert.equal(live.refresh().outcome, "ok");
      assert.equal(live.createPermission("198.51.100.2:9"), "ok");
      live.sendOver(0x4000, "still here");
      assert.deepEqual(
        world
          .peer("198.51.100.1:9")
          .received()
          .map(({ text }) => text),
        ["still here"],
      );
      const ignored = world.eventsOf("ignored").filter(({ why }) => why === "pressure");
      assert.equal(ignored.length, expected.filter((outcome) => outcome === "silence").length);
    });
  }

  test("a live allocation whose nonce is too old is told so, at any level", () => {
    const world = new Simulation();
    const live = world.client().allocate({ lifetime: 3600 });
    world.advance({ seconds: 700 });
    press(world, 1);
    assert.equal(live.refresh({}, { retry: false }).outcome, 438);
  });

  test("RFC 8656 §7.4: a new Allocate under more load than a thread can bear is 508, and taken when it is over", () => {
    const world = new Simulation();
    const client = world.client();
    press(world, 0);
    challenge(client);
    press(world, 0.8);
    assert.equal(client.tryAllocate().outcome, 508);
    assert.equal(world.ports.live + world.quota.size, 0, "nothing is taken for it");
    world.advance({ seconds: 2 });
    press(world, 0);
    assert.equal(client.tryAllocate().outcome, "ok");
    press(world, 0.95);
    const again = client.exchange(client.lastRequest?.bytes ?? new Uint8Array(0));
    assert.equal(again.length, 1, "who has an allocation is answered at any level");
  });

  test("requests of other methods that prove nothing are strangers' too", () => {
    const world = new Simulation();
    press(world, 0.6);
    for (const method of [METHOD.refresh, METHOD.createPermission, METHOD.channelBind]) {
      assert.equal(challenge(world.client(), method), "silence");
    }
  });

  /** A thread whose work costs what it costs: 20 µs for an answer, 2 µs for silence, 10 µs for a live client's packet. */
  test("a flood of three times what a thread can do leaves it time for its live clients", () => {
    const world = new Simulation();
    const live = world.client().allocate({ lifetime: 3600 });
    let shed = 0;
    let waiting = 0;
    let answeredLive = 0;
    const turns = 4000;
    const strangers = Array.from({ length: 1000 }, () => world.client());
    for (let turn = 0, now = world.now.monotonicMs; turn < turns; turn++) {
      const datagrams = Math.max(1, Math.min(64, Math.round(waiting)));
      world.pressure.turnBegins(now);
      let costMs = 0.01;
      for (let i = 1; i < datagrams; i++) {
        const silence = challenge(strangers[(turn + i) % strangers.length] ?? live) === "silence";
        shed += silence ? 1 : 0;
        costMs += silence ? 0.002 : 0.02;
      }
      if (live.refresh().outcome === "ok") answeredLive++;
      costMs += 0.01;
      now += costMs;
      world.pressure.turnEnds(datagrams, () => now);
      world.advance({ ms: costMs });
      waiting = Math.max(0, waiting - datagrams) + 150 * costMs; // 150 a millisecond, where 50 answers take one
      assert.ok(waiting < 10_000, `${waiting} datagrams wait after ${turn} turns: more than a socket holds`);
    }
    assert.equal(answeredLive, turns);
    assert.ok(shed > 0);
  });
});
