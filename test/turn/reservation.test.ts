import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation } from "../support/simulation.ts";

describe("EVEN-PORT and RESERVATION-TOKEN", () => {
  test("RFC 8656 §7.2: EVEN-PORT gives an even port, and with R the next one up to whoever has the token", () => {
    const world = new Simulation();
    for (let i = 0; i < 20; i++) {
      const rtp = world.client();
      const token = rtp.tryAllocate({ evenPort: { reserveNext: true } }).message?.reservationToken?.slice();
      assert.equal(rtp.relayedAddress.port % 2, 0);
      assert.equal(token?.length, 8);
      assert.ok(token);
      world.advance({ ms: 29_900 });
      const rtcp = world.client({ transport: "tls", username: world.username(500, "project_other") }).allocate({ token });
      assert.equal(rtcp.relayedAddress.port, rtp.relayedAddress.port + 1);
      rtcp.createPermission("198.51.100.1:0");
      world.peer("198.51.100.1:9").send(rtcp.relayedAddress, "rtcp");
      assert.equal(rtcp.received()[0]?.text, "rtcp");
      rtcp.refresh({ lifetime: 0 });
      rtp.refresh({ lifetime: 0 });
    }
    world.advance({ seconds: 30 });
    world.assertNothingIsLeft();
  });

  test("RFC 8656 §7.2: without R no port is kept", () => {
    const world = new Simulation();
    const client = world.client();
    const { message } = client.tryAllocate({ evenPort: { reserveNext: false } });
    assert.equal(message?.reservationToken, undefined);
    assert.equal(client.relayedAddress.port % 2, 0);
    assert.equal(world.ports.live, 1);
  });

  test("RFC 8656 §7.2: a reservation is kept 30 s, also when the allocation beside it ends sooner", () => {
    const world = new Simulation();
    const client = world.client();
    const token = client.tryAllocate({ evenPort: { reserveNext: true } }).message?.reservationToken?.slice();
    assert.ok(token);
    client.refresh({ lifetime: 0 });
    world.advance({ seconds: 29 });
    const heir = world.client().allocate({ token });
    world.advance({ seconds: 30 });
    assert.equal(world.engine.allocations, 1, "its time over, a redeemed port is not taken away");
    heir.refresh({ lifetime: 0 });
    world.assertNothingIsLeft();
  });

  test("a token is not wasted on an Allocate that is refused for its quota", () => {
    const world = new Simulation({ quota: { perProject: 1 } });
    const token = world
      .client()
      .tryAllocate({ evenPort: { reserveNext: true } })
      .message?.reservationToken?.slice();
    assert.ok(token);
    assert.equal(world.client().tryAllocate({ token }).outcome, 486);
    world.client({ username: world.username(60, "project_other") }).allocate({ token });
  });
});
