import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Probe } from "../../src/client/probe.ts";
import { formatAddress, parseAddress, type TransportAddress } from "../../src/net/address.ts";
import { freePorts } from "../support/free-ports.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
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
