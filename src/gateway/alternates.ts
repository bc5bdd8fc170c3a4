import { lookup } from "node:dns/promises";
import type { Endpoints } from "../credentials/endpoints.ts";
import { isIp, parseIp } from "../net/ip.ts";
import type { AlternateServer } from "../turn/alternate.ts";

/** How long what a name was found to mean is believed. */
const BELIEVED_MS = 60_000;

/** Finds the addresses of a name; rejects if there are none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const systemResolve: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);

/** Where clients are sent while we drain: the other gateways of the region, by address, for ALTERNATE-SERVER carries no name. */
export class Alternates {
  readonly #tell: (servers: readonly AlternateServer[]) => void;
  readonly #resolve: Resolve;
  #told = "[]";
  #asked = "";
  #askedAtMs = Number.NEGATIVE_INFINITY;

  /** @param tell told of the servers whenever they are others than before */
  constructor(tell: (servers: readonly AlternateServer[]) => void, resolve = systemResolve) {
    this.#tell = tell;
    this.#resolve = resolve;
  }

  /** Takes the live gateways; names are looked up when they are others, and once a minute. */
  async take(gateways: readonly Endpoints[], nowMs: number): Promise<void> {
    const relays = gateways.filter(({ relay }) => relay);
    const asked = JSON.stringify(relays);
    if (asked === this.#asked && nowMs - this.#askedAtMs < BELIEVED_MS) return;
    this.#asked = asked;
    this.#askedAtMs = nowMs;
    const servers = (await Promise.all(relays.map((endpoints) => this.#serversOf(endpoints)))).flat();
    const told = JSON.stringify(servers.map(({ ip, ...rest }) => ({ ...rest, octets: [...ip.octets] })));
    if (told === this.#told || asked !== this.#asked) return;
    this.#told = told;
    this.#tell(servers);
  }

  /** One for each address; none for a name that means nothing now. */
  async #serversOf({ hostname, udp, tcp, tls }: Endpoints): Promise<readonly AlternateServer[]> {
    const addresses = isIp(hostname) ? [hostname] : await this.#resolve(hostname).catch(() => []);
    return addresses.filter(isIp).map((address) => ({ ip: parseIp(address), hostname, udp, tcp, tls }));
  }
}
