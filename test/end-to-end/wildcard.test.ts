import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { describe, test } from "node:test";
import type { TurnRequest } from "../../src/client/dialogue.ts";
import { encodeRequest, type Proof } from "../../src/client/encode-request.ts";
import { Probe } from "../../src/client/probe.ts";
import { formatAddress, parseAddress, type TransportAddress } from "../../src/net/address.ts";
import { longTermKey } from "../../src/stun/integrity.ts";
import { Message } from "../../src/stun/message.ts";
import { freePorts } from "../support/free-ports.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { unless } from "../support/needs.ts";
import { shared, UNHURRIED } from "../support/shared.ts";
import { allocate, hangUp, hearsItself, type Talker } from "../support/talk.ts";

/**
 * Goal: an answer, and every datagram, leaves from the address and port that was asked, though the listener is bound
 * to all of them.
 *
 * Method: one client address and port, connected to each server address, so that the kernel drops what comes from
 * anywhere else; the allocations live at the same time, so that none is taken for another.
 */
describe("wildcard listeners on two ports", () => {
  const wildcards = [
    { listen: "[::]", servers: ["127.0.0.1", "127.0.0.2"], client: "127.0.0.1" },
    { listen: "[::]", servers: ["[::1]"], client: "[::1]" },
    { listen: "0.0.0.0", servers: ["127.0.0.1", "127.0.0.2"], client: "127.0.0.1" },
  ];
  for (const listen of ["[::]", "0.0.0.0"]) {
    describe(listen, () => {
      const started = shared(() => startOnTwoPorts(listen));
      for (const { servers, client } of wildcards.filter((wildcard) => wildcard.listen === listen)) {
        test(`one client at ${client} allocates at ${servers.join(" and ")}, on both ports`, UNHURRIED, async () => {
          const { gateway, ports } = await started();
          const [clientPort = 0] = await freePorts(1);
          const local = parseAddress(`${client}:${clientPort}`);
          const talkers: Talker[] = [];
          for (const server of servers.flatMap((host) => ports.map((port) => parseAddress(`${host}:${port}`)))) {
            talkers.push(await allocateAt(gateway, server, local));
          }
          const relayed = new Set(talkers.map((talker) => formatAddress(talker.relayed)));
          assert.equal(relayed.size, servers.length * ports.length, "as many allocations as addresses");
          for (const talker of talkers) await hearsItself(talker);
          for (const talker of talkers) await hangUp(talker);
        });
      }
    });
  }
});

describe("a wildcard listener and a client at a link-local address", () => {
  const [address, name] = linkLocal() ?? [];
  const skip = unless(address !== undefined, "this host has no link-local address", { required: false });

  test("is answered, and sent what its peers send", { ...UNHURRIED, skip }, async () => {
    const gateway = await startGateway({ settings: ({ udp }) => ({ listen: { udp: [`[::]:${udp}`] } }) });
    const { username, credential } = await gateway.mint();
    const socket = createSocket("udp6");
    socket.bind(0, `${address}%${name}`);
    await once(socket, "listening");
    const ask = async (request: Uint8Array): Promise<Uint8Array> => {
      const answer = once(socket, "message", { signal: AbortSignal.timeout(5000) });
      socket.send(request, gateway.ports.udp, `${address}%${name}`);
      const [bytes] = await answer;
      return new Uint8Array(bytes);
    };
    const request = (wishes: TurnRequest, proof?: Proof): Uint8Array => encodeRequest(wishes, randomBytes(12), proof);
    const challenge = Message.decode(await ask(request({ kind: "challenge" })));
    const { realm = "", nonce = new Uint8Array(0) } = challenge ?? {};
    const proof = { username, realm, nonce, key: longTermKey(username, realm, credential) };
    const relayed = Message.decode(await ask(request({ kind: "allocate" }, proof)))?.xorRelayedAddress;
    assert.ok(relayed);
    const bound = Message.decode(await ask(request({ kind: "channelBind", channel: 0x4000, peer: relayed }, proof)));
    assert.equal(bound?.errorCode, undefined);
    const data = Uint8Array.of(0x40, 0, 0, 4, 1, 2, 3, 4);
    assert.deepEqual(await ask(data), data, "its own data comes back to it by its relayed address");
    await ask(request({ kind: "refresh", lifetimeSeconds: 0 }, proof));
    socket.close();
    await gateway.stop();
  });
});

/** A link-local address of this host, and its interface. */
function linkLocal(): readonly [address: string, name: string] | undefined {
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    const found = addresses.find(({ address }) => address.startsWith("fe80:"));
    if (found !== undefined) return [found.address.split("%")[0] ?? "", name];
  }
  return undefined;
}

async function startOnTwoPorts(host: string): Promise<{ gateway: Gateway; ports: number[]; stop(): Promise<void> }> {
  const [second = 0] = await freePorts(1);
  const gateway = await startGateway({
    settings: ({ udp }) => ({ listen: { udp: [`${host}:${udp}`, `${host}:${second}`] } }),
  });
  return { gateway, ports: [gateway.ports.udp, second], stop: () => gateway.stop() };
}

async function allocateAt(gateway: Gateway, server: TransportAddress, local: TransportAddress): Promise<Talker> {
  const credentials = await gateway.mint();
  const probe = await Probe.open({ transport: "udp", server, local, shareLocal: true, credentials });
  const { mappedAddress } = await probe.must({ kind: "binding" });
  assert.equal(mappedAddress && formatAddress(mappedAddress), formatAddress(local), "IPv4 on a dual-stack socket is IPv4");
  return allocate(probe, local.ip.family);
}
