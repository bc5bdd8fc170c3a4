import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { parseAddress } from "../../src/net/address.ts";
import { startGateway } from "../support/gateway.ts";
import { pathOf, unless } from "../support/needs.ts";
import { UNHURRIED, until } from "../support/shared.ts";
import { allocate, hangUp } from "../support/talk.ts";

/** Nothing denies it, until it is an address of this host. */
const ADDRESS = "11.22.33.44";
const NOTICE_MS = 20_000;

const canAdd = pathOf("ip") !== undefined && ip("add") && ip("del");

/** Goal: an address that this host is given while a gateway runs is no peer any more, and is one again when it is taken away. */
describe("addresses of this host", { skip: unless(canAdd, "only root may give this host another address") }, () => {
  test("are read again while the gateway runs: none of them is a peer", UNHURRIED, async () => {
    const gateway = await startGateway();
    const talker = await allocate(await gateway.probe("udp", { credentials: await gateway.mint() }));
    const peer = parseAddress(`${ADDRESS}:4000`);
    const permits = async (): Promise<boolean> =>
      (await talker.probe.ask({ kind: "createPermission", peers: [peer] })).kind === "success";
    assert.ok(await permits(), "it is anybody's");
    try {
      assert.ok(ip("add"));
      await until(async () => !(await permits()), NOTICE_MS, "The refusal of our own address");
      const answer = await talker.probe.ask({ kind: "channelBind", channel: 0x4000, peer });
      assert.equal(answer.kind === "refused" && answer.code, 403);
    } finally {
      ip("del");
    }
    await until(permits, NOTICE_MS, "Permission for an address that is ours no more");
    await hangUp(talker);
    await gateway.stop();
  });
});

/** @returns whether that was possible */
function ip(what: "add" | "del"): boolean {
  return spawnSync("ip", ["address", what, `${ADDRESS}/32`, "dev", "lo"]).status === 0;
}
