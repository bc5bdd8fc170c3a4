import { isIp, parseIp, unmapped } from "../../net/ip.ts";
import { SocketAddress } from "../../net/socket-address.ts";

/** Reads the addresses that `node:dgram` gives as text, each text once for many datagrams. */
export class AddressTexts {
  readonly #known = new Map<string, SocketAddress>();

  /** Becomes the address; IPv4-mapped is the IPv4 it means. False for what is no address. */
  read(text: string, port: number, into: SocketAddress): boolean {
    const known = this.#known.get(text) ?? this.#learn(text);
    if (known === undefined) return false;
    into.copy(known);
    into.port = port;
    return true;
  }

  #learn(text: string): SocketAddress | undefined {
    const [ip = ""] = text.split("%");
    if (!isIp(ip)) return undefined;
    if (this.#known.size >= MOST) this.#known.clear();
    const address = new SocketAddress().assign({ ip: unmapped(parseIp(ip)), port: 0 });
    this.#known.set(text, address);
    return address;
  }
}

const MOST = 4096;
