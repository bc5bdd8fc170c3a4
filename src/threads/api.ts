import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Directory } from "../directory/directory.ts";
import { Regions } from "../directory/regions.ts";
import { type App, createApp } from "../http/app.ts";
import { HttpServer } from "../http/server.ts";
import type { ErrorLog, Health, HttpSettings, Records } from "../http/services.ts";
import { StockedRandom } from "../lib/random.ts";
import { Secret } from "../lib/secret.ts";
import type { Clock } from "../lib/time.ts";
import type { TransportAddress } from "../net/address.ts";
import { type Cidr, contains } from "../net/cidr.ts";
import { formatIp, isIp, parseIp, unmapped } from "../net/ip.ts";
import type { Counters } from "../observe/counters.ts";
import { SharedRateLimit } from "../policy/rate.ts";
import type { GatewayRows } from "./mailbox.ts";
import type { ApiSettings } from "./plan.ts";

/** What the API of a thread needs of that thread. */
export interface ApiParts {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly mints: SharedArrayBuffer;
  readonly hashKey: Uint8Array;
  readonly records: Records;
  readonly log: ErrorLog;
  /** The text of `/metrics`, where this is the API of `listen.metrics`. */
  readonly metrics?: () => string;
}

const REQUEST_ID_OCTETS = 9;

/** The API of one thread, with what main tells it. */
export class Api {
  readonly #clock: Clock;
  readonly #regions: Regions;
  readonly #mints: SharedRateLimit;
  readonly #app: App;
  readonly #isTrustedProxy: (address: string) => boolean;
  readonly #servers: HttpServer[] = [];
  #settings: HttpSettings;
  #trustedProxies: readonly Cidr[];
  #health: Health = { status: "starting", problems: [] };

  constructor(settings: ApiSettings, parts: ApiParts) {
    this.#clock = parts.clock;
    this.#regions = new Regions(settings.own);
    this.#mints = new SharedRateLimit(parts.mints, settings.mintsPerKeyPerMinute, parts.hashKey);
    this.#settings = httpSettings(settings);
    const random = new StockedRandom(randomBytes);
    const current = (): HttpSettings => this.#settings;
    this.#trustedProxies = settings.trustedProxies;
    this.#isTrustedProxy = (address) => holds(this.#trustedProxies, address);
    this.#app = createApp({
      clock: parts.clock,
      directory: parts.directory,
      regions: this.#regions,
      mints: this.#mints,
      records: parts.records,
      get settings(): HttpSettings {
        return current();
      },
      log: parts.log,
      health: () => this.#health,
      metrics: parts.metrics ?? (() => ""),
      newRequestId: () => Buffer.from(random.bytes(REQUEST_ID_OCTETS)).toString("base64url"),
      metricsRoutes: parts.metrics !== undefined,
      version: settings.version,
    });
  }

  /** Serves HTTP on a connection that somebody else accepted. */
  adopt(socket: Socket): void {
    const server = this.#servers[0] ?? this.#newServer();
    server.adopt(socket);
  }

  /** Listens by itself, without TLS. @throws {Error} with a `code`, what the system says against it */
  async listen({ ip, port }: TransportAddress): Promise<void> {
    await this.#newServer().listen({ host: formatIp(ip), port });
  }

  /** What of the settings can change while running. */
  reconfigure(settings: ApiSettings): void {
    this.#settings = httpSettings(settings);
    this.#trustedProxies = settings.trustedProxies;
    this.#mints.perMinute = settings.mintsPerKeyPerMinute;
  }

  setGateways(gateways: GatewayRows): void {
    this.#regions.setGateways(gateways, this.#clock.now());
  }

  setHealth(health: Health): void {
    this.#health = health;
  }

  /** No more credentials that name this gateway. */
  drain(): void {
    this.#regions.setOwn(undefined);
  }

  /** Lets what is being answered finish, and closes every connection. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** A server of node:http listens once. */
  #newServer(): HttpServer {
    const server = new HttpServer(this.#app, { isTrustedProxy: this.#isTrustedProxy });
    this.#servers.push(server);
    return server;
  }
}

function httpSettings({ http, jwt }: ApiSettings): HttpSettings {
  if (jwt === undefined) return http;
  const { secretOctets, ...rest } = jwt;
  return { ...http, jwt: { ...rest, secret: secretOctets && new Secret(secretOctets) } };
}

function holds(ranges: readonly Cidr[], address: string): boolean {
  if (ranges.length === 0 || !isIp(address)) return false;
  const ip = unmapped(parseIp(address));
  return ranges.some((range) => contains(range, ip));
}
