import { formatAddress, type TransportAddress } from "../../src/net/address.ts";
import type { Simulation } from "./simulation.ts";

/** A peer: whoever has an address and gets datagrams there. */
export class SimulatedPeer {
  readonly address: TransportAddress;
  readonly #world: Simulation;
  #received: { readonly from: string; readonly text: string; readonly dontFragment: boolean }[] = [];

  constructor(world: Simulation, address: TransportAddress) {
    this.#world = world;
    this.address = address;
  }

  /** Sends a datagram to a relayed address. */
  send(to: TransportAddress, text: string): void {
    this.#world.fromPeer(this.address, to, new TextEncoder().encode(text));
  }

  /** What has come since it was last asked. */
  received(): readonly { readonly from: string; readonly text: string; readonly dontFragment: boolean }[] {
    const received = this.#received;
    this.#received = [];
    return received;
  }

  deliver(from: TransportAddress, bytes: Uint8Array, dontFragment: boolean): void {
    this.#received.push({ from: formatAddress(from), text: new TextDecoder().decode(bytes), dontFragment });
  }
}
