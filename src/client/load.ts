import { readUint32, writeUint32 } from "../lib/bytes.ts";
import { isIp } from "../net/ip.ts";
import type { PeerData } from "./dialogue.ts";
import type { IceUrl } from "./ice-url.ts";
import { Probe, type ProbeOptions } from "./probe.ts";
import { RoundTrips, type RoundTripTimes } from "./round-trips.ts";
import { addressesOf } from "./trial.ts";

/** Each allocation's only channel (RFC 8656 §12). */
const CHANNEL = 0x4000;
/** As a packet of voice has. */
const PAYLOAD_BYTES = 160;
/** Packets of each allocation that are under way. */
const WINDOW = 4;
/** A packet that is not back after this is lost. */
const LOST_AFTER_MS = 1000;
const LOOK_MS = 50;
/** Allocations that are made at a time: as many as a busy minute brings, not as a flood. */
const AT_ONCE = 32;

/** A load on one TURN server. */
export interface LoadOptions {
  readonly url: IceUrl;
  /** The IP address to go to instead of what the URL's host resolves to. */
  readonly at?: string | undefined;
  /** Certificate authorities as PEM, instead of the system's. */
  readonly ca?: string | undefined;
  /** Whether the certificate must be one to trust. */
  readonly verify: boolean;
  readonly credentials: { readonly username: string; readonly credential: string };
  readonly allocations: number;
  /** How long packets are sent. */
  readonly seconds: number;
}

/** What came of it. Times are milliseconds. */
export interface LoadReport {
  readonly allocations: number;
  /** How long it took until each allocation had its channel. */
  readonly setUpMs: number;
  readonly seconds: number;
  readonly payloadOctets: number;
  readonly sent: number;
  readonly received: number;
  /** Share of what was sent that was not back within a second. */
  readonly lossPercent: number;
  /** Packets that were back, a second; the server has relayed each twice, from a client and to it. */
  readonly packetsPerSecond: number;
  /** `undefined` if no packet came back. */
  readonly roundTripMs: RoundTripTimes | undefined;
}

/**
 * Makes allocations, each with a channel to its own relayed address, and lets a few packets run in each of those circles:
 * from the client through the relay to itself and back. So nobody else is needed, and nobody else is hit.
 *
 * @throws {RequestFailed} if an allocation or a channel is refused, {Error} if there is no connection
 */
export async function loadServer(options: LoadOptions): Promise<LoadReport> {
  const { url, at, ca, verify, credentials, allocations } = options;
  const { host, transport } = url;
  const [server] = await addressesOf(url, at);
  if (server === undefined) throw new Error(`${host} has no address`);
  const tls = { servername: isIp(host) ? undefined : host, ca, verify };

  const circles: Circle[] = [];
  const begun = performance.now();
  try {
    await open({ transport, server, credentials, tls }, allocations, circles);
    const setUpMs = performance.now() - begun;
    const seconds = await run(circles, options.seconds);
    const roundTrips = new RoundTrips();
    for (const circle of circles) roundTrips.addAll(circle.roundTrips);
    const sent = circles.reduce((sum, circle) => sum + circle.sent, 0);
    const received = circles.reduce((sum, circle) => sum + circle.received, 0);
    return {
      allocations: circles.length,
      setUpMs,
      seconds,
      payloadOctets: PAYLOAD_BYTES,
      sent,
      received,
      lossPercent: sent === 0 ? 0 : (100 * (sent - received)) / sent,
      packetsPerSecond: received / seconds,
      roundTripMs: roundTrips.times,
    };
  } finally {
    await Promise.all(circles.map((circle) => circle.close()));
  }
}

/** Opens all circles, some at a time; what was opened before one fails is in the list. */
async function open(options: ProbeOptions, allocations: number, circles: Circle[]): Promise<void> {
  let left = allocations;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const circle = new Circle();
      circles.push(circle);
      await circle.open(options);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, allocations) }, lane));
  for (const outcome of lanes) if (outcome.status === "rejected") throw outcome.reason;
}

/** @returns how long it took, until the last packet was back or lost; in seconds */
async function run(circles: readonly Circle[], seconds: number): Promise<number> {
  const begun = performance.now();
  const end = begun + 1000 * seconds;
  for (const circle of circles) circle.start(end);
  const settled = (): boolean => circles.every((circle) => circle.isSettled);
  for (let now = begun; now < end || !settled(); now = performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    for (const circle of circles) circle.giveUp(performance.now());
  }
  return (Math.min(performance.now(), end) - begun) / 1000;
}

/** One allocation, and the packets that run through it to itself. */
class Circle {
  readonly roundTrips = new RoundTrips();
  sent = 0;
  received = 0;
  #probe: Probe | undefined;
  #endMs = 0;
  /** When each packet under way left; 0 where none is. */
  readonly #leftMs = new Float64Array(WINDOW);
  /** Which packet that is. */
  readonly #numbers = new Uint32Array(WINDOW);
  readonly #payload = new Uint8Array(PAYLOAD_BYTES);

  /** Makes the allocation. */
  async open(options: ProbeOptions): Promise<void> {
    const probe = await Probe.open({ ...options, onData: (data) => this.#back(data) });
    this.#probe = probe;
    const { relayedAddresses } = await probe.must({ kind: "allocate" });
    const [relayed] = relayedAddresses;
    if (relayed === undefined) throw new Error("The Allocate answer has no XOR-RELAYED-ADDRESS");
    await probe.must({ kind: "channelBind", channel: CHANNEL, peer: relayed });
  }

  /** Sends the first packets; each is followed by the next when it is back, until the end. */
  start(endMs: number): void {
    this.#endMs = endMs;
    for (let place = 0; place < WINDOW; place++) this.#send(place);
  }

  /** Whether nothing is under way. */
  get isSettled(): boolean {
    return this.#leftMs.every((left) => left === 0);
  }

  /** Gives up what left too long ago, and sends the next in its place. */
  giveUp(nowMs: number): void {
    for (let place = 0; place < WINDOW; place++) {
      const left = this.#leftMs[place] ?? 0;
      if (left > 0 && nowMs - left > LOST_AFTER_MS) this.#send(place);
    }
  }

  async close(): Promise<void> {
    if (this.#probe?.lost === undefined) await this.#probe?.ask({ kind: "refresh", lifetimeSeconds: 0 });
    this.#probe?.close();
  }

  #send(place: number): void {
    const now = performance.now();
    const probe = this.#probe;
    const goesOn = now < this.#endMs && probe?.lost === undefined;
    this.#leftMs[place] = goesOn ? now : 0;
    if (!goesOn || probe === undefined) return;
    this.#numbers[place] = this.sent;
    writeUint32(this.#payload, 0, place);
    writeUint32(this.#payload, 4, this.sent++);
    probe.send(CHANNEL, this.#payload);
  }

  /** One is back, unless it was given up: then its place has another. */
  #back({ bytes }: PeerData): void {
    const place = readUint32(bytes, 0);
    const left = this.#leftMs[place] ?? 0;
    if (bytes.length !== PAYLOAD_BYTES || left === 0 || this.#numbers[place] !== readUint32(bytes, 4)) return;
    this.received++;
    this.roundTrips.add(performance.now() - left);
    this.#send(place);
  }
}
