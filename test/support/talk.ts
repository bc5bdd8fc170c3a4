import assert from "node:assert/strict";
import type { Probe } from "../../src/client/probe.ts";
import type { TransportAddress } from "../../src/net/address.ts";

const DATA_MS = 5000;

/** A client with an allocation. */
export interface Talker {
  readonly probe: Probe;
  /** As the server shows it. */
  readonly relayed: TransportAddress;
}

/** Allocates one relayed address. */
export async function allocate(probe: Probe, family: 4 | 6 = 4): Promise<Talker> {
  const { relayedAddresses } = await probe.must({ kind: "allocate", family });
  const [relayed] = relayedAddresses;
  assert.ok(relayed);
  return { probe, relayed };
}

/** Ends the allocation and closes the socket. */
export async function hangUp({ probe }: Talker): Promise<void> {
  await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
  probe.close();
}

/** Binds a channel to itself and sends itself a packet: what comes back went through the relayed address. */
export async function hearsItself({ probe, relayed }: Talker): Promise<void> {
  await probe.must({ kind: "channelBind", channel: 0x4fff, peer: relayed });
  const bytes = crypto.getRandomValues(new Uint8Array(333));
  probe.send(0x4fff, bytes);
  assert.deepEqual(await probe.nextData(DATA_MS), { kind: "data", peer: relayed, channel: 0x4fff, bytes });
}

/**
 * Two clients talk through their relayed addresses: once by indications, once over channels, each way.
 * What arrives must name the other's relayed address as the server shows it.
 */
export async function talk(one: Talker, other: Talker, channel: number): Promise<void> {
  for (const [us, them] of [
    [one, other],
    [other, one],
  ] as const) {
    await us.probe.must({ kind: "createPermission", peers: [them.relayed] });
  }
  await exchange(one, other, undefined);
  for (const [us, them] of [
    [one, other],
    [other, one],
  ] as const) {
    await us.probe.must({ kind: "channelBind", channel, peer: them.relayed });
  }
  await exchange(one, other, channel);
}

async function exchange(one: Talker, other: Talker, channel: number | undefined): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const bytes = crypto.getRandomValues(new Uint8Array(777));
    from.probe.send(channel ?? to.relayed, bytes);
    assert.deepEqual(await to.probe.nextData(DATA_MS), { kind: "data", peer: from.relayed, channel, bytes });
  }
}
