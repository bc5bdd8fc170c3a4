import type { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { formatAddress, type TransportAddress } from "../net/address.ts";
import { isIp, parseIp } from "../net/ip.ts";
import { diagnose, distrustInWords } from "./diagnosis.ts";
import { type IceUrl, parseIceUrl } from "./ice-url.ts";
import { Probe } from "./probe.ts";

/** Any channel number will do: the allocation is ours alone (RFC 8656 §12). */
const CHANNEL = 0x4000;
/** A datagram may be lost on an honest path: so many are sent, so far apart, until one is back. */
const ECHO_TRIES = 5;
const ECHO_WAIT_MS = 500;
/** The first retransmission of requests: a person waits for the answer. */
const INITIAL_TIMEOUT_MS = 250;

/** Who to be, and whom to trust. */
export interface TrialOptions {
  readonly credentials?: { readonly username: string; readonly credential: string } | undefined;
  /** Certificate authorities as PEM, instead of the system's. */
  readonly ca?: string | undefined;
  /** Whether a chain that is not to be trusted fails the trial; it is reported either way. */
  readonly verify: boolean;
  /** The IP address to go to instead of what the host's name resolves to. */
  readonly at?: string | undefined;
  /** How long connecting may take, in milliseconds. */
  readonly connectTimeoutMs?: number | undefined;
  /** What this machine takes for the time: it tells what has expired. */
  readonly nowUnixMs: number;
}

/** What using one URL for real showed. Times are milliseconds. */
export interface Trial {
  readonly url: string;
  /** Why it is of no use; `undefined` if all went well. */
  problem?: string;
  /** The address and port of the server that was used. */
  server?: string;
  /** How long TCP and TLS took. */
  connectMs?: number;
  /** How long the Binding answer took, and how the server sees us. */
  bindingMs?: number;
  mappedAddress?: string;
  /** How long an allocation took, its challenge included, and what it is. */
  allocateMs?: number;
  relayedAddress?: string;
  /** How long a packet took from us through the relay to the relayed address itself and back. */
  roundTripMs?: number;
  /** The served certificates, the server's own first. */
  chain?: readonly ServedCertificate[];
  /** Why the chain is not to be trusted. */
  distrust?: string;
}

/** A certificate in words. */
export interface ServedCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly names: string;
}

/**
 * Uses a URL as a browser would: a Binding, and where a relay is offered an allocation and one packet relayed to
 * itself.
 *
 * @returns what it showed; a failure of any kind is its `problem`, never thrown
 */
export async function tryUrl(text: string, options: TrialOptions): Promise<Trial> {
  const trial: Trial = { url: text };
  try {
    const url = parseIceUrl(text);
    const blame = (error: unknown): void => {
      const { host, transport } = url;
      const { credentials, nowUnixMs } = options;
      trial.problem = diagnose(error, { host, transport, server: trial.server, username: credentials?.username, nowUnixMs });
    };
    const servers = await addressesOf(url, options.at).catch(blame);
    for (const server of servers ?? []) {
      delete trial.problem;
      await attempt(trial, url, server, options).catch(blame);
      if (trial.problem === undefined) break;
    }
  } catch (error) {
    trial.problem = error instanceof Error ? error.message : String(error);
  }
  return trial;
}

/**
 * Where a URL's server is: all that its host's name resolves to.
 *
 * @param at the IP address to go to instead
 */
export async function addressesOf({ host, port }: IceUrl, at = host): Promise<TransportAddress[]> {
  if (at !== host || isIp(at)) return [{ ip: parseIp(at), port }];
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => ({ ip: parseIp(address), port }));
}

async function attempt(trial: Trial, url: IceUrl, server: TransportAddress, options: TrialOptions): Promise<void> {
  trial.server = formatAddress(server);
  const begun = performance.now();
  const probe = await Probe.open({
    transport: url.transport,
    server,
    credentials: options.credentials,
    connectTimeoutMs: options.connectTimeoutMs,
    initialTimeoutMs: INITIAL_TIMEOUT_MS,
    tls: { servername: isIp(url.host) ? undefined : url.host, ca: options.ca, verify: false },
  });
  try {
    if (url.transport !== "udp") trial.connectMs = performance.now() - begun;
    if (url.transport === "tls") inspect(trial, probe, url.host, options);
    await bind(trial, probe);
    if (url.relay) await relay(trial, probe);
  } finally {
    probe.close();
  }
}

function inspect(trial: Trial, probe: Probe, host: string, { verify, nowUnixMs }: TrialOptions): void {
  trial.chain = probe.chain.map(inWords);
  if (probe.distrust === undefined) return;
  trial.distrust = distrustInWords(probe.distrust, probe.chain[0], host, nowUnixMs);
  if (verify) throw new Error(`the certificate is not trusted: ${trial.distrust}`);
}

function inWords(certificate: X509Certificate): ServedCertificate {
  const { subject, issuer, validFrom, validTo, subjectAltName } = certificate;
  const iso = (text: string): string => new Date(text).toISOString();
  return { subject, issuer, notBefore: iso(validFrom), notAfter: iso(validTo), names: subjectAltName ?? "" };
}

async function bind(trial: Trial, probe: Probe): Promise<void> {
  const begun = performance.now();
  const { mappedAddress } = await probe.must({ kind: "binding" });
  if (mappedAddress === undefined) throw new Error("The Binding answer has no XOR-MAPPED-ADDRESS");
  trial.bindingMs = performance.now() - begun;
  trial.mappedAddress = formatAddress(mappedAddress);
}

async function relay(trial: Trial, probe: Probe): Promise<void> {
  const begun = performance.now();
  const { relayedAddresses } = await probe.must({ kind: "allocate" });
  const [relayed] = relayedAddresses;
  if (relayed === undefined) throw new Error("The Allocate answer has no XOR-RELAYED-ADDRESS");
  trial.allocateMs = performance.now() - begun;
  trial.relayedAddress = formatAddress(relayed);
  try {
    await probe.must({ kind: "channelBind", channel: CHANNEL, peer: relayed });
    trial.roundTripMs = await echo(probe);
  } finally {
    await probe.ask({ kind: "refresh", lifetimeSeconds: 0 });
  }
}

/** Sends to our own relayed address until one packet is back. @returns its round-trip time */
async function echo(probe: Probe): Promise<number> {
  const sentAt: number[] = [];
  while (sentAt.length < ECHO_TRIES) {
    const payload = new TextEncoder().encode(`icebreaker ${sentAt.length}`);
    sentAt.push(performance.now());
    probe.send(CHANNEL, payload);
    const back = await probe.nextData(ECHO_WAIT_MS).catch(() => undefined);
    const which = back === undefined ? undefined : sentAt[Number(new TextDecoder().decode(back.bytes).split(" ")[1])];
    if (which !== undefined) return performance.now() - which;
  }
  throw new Error(`None of ${ECHO_TRIES} packets to the relayed address came back`);
}
