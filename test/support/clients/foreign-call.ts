import { fileURLToPath } from "node:url";
import type { Transport } from "../../../src/net/address.ts";
import { runToEnd } from "../child.ts";
import type { Gateway } from "../gateway.ts";
import { pathOf } from "../needs.ts";

const OCTETS = 200_000;
const DATAGRAMS = 100;
/** What a program may take beside its call: to start and to end. */
const GRACE_MS = 10_000;
const URL_OF: Readonly<Record<Transport, number>> = { udp: 1, tcp: 2, tls: 3 };

/** What a client reports of the call that it made with itself. */
export interface ForeignReport {
  readonly toFar: unknown;
  readonly toNear: unknown;
  readonly candidates: readonly string[];
  /** Why there was no call. */
  readonly problem?: string;
}

/** What every call over a data channel should report. */
export const WHOLE_CHANNEL = { octets: OCTETS, intact: true } as const;
/** What every call that only has datagrams should report. */
export const WHOLE_DATAGRAMS = DATAGRAMS;

/**
 * A call between two peer connections of a package, through one URL of the gateway alone.
 *
 * Each listener of the harness has a port of its own, so that a client that takes another transport than it was told
 * finds nobody there.
 *
 * @param packageName what `import()` takes, with `RTCPeerConnection` in it
 */
export async function peerCall(
  packageName: string,
  gateway: Gateway,
  transport: Transport,
  { withinMs = 20_000 }: { withinMs?: number } = {},
): Promise<ForeignReport> {
  const { username, credential, urls } = await pairFor(gateway, transport);
  const wishes = { iceServers: [{ urls: [urls[URL_OF[transport]]], username, credential }], octets: OCTETS, withinMs };
  return report(pathOf("node") ?? process.execPath, "peer-call.mjs", [packageName, JSON.stringify(wishes)], gateway, withinMs);
}

/** The same between two connections of aioice, which has datagrams alone. */
export async function aioiceCall(gateway: Gateway, transport: Transport, withinMs = 20_000): Promise<ForeignReport> {
  const { username, credential } = await pairFor(gateway, transport);
  const server = { transport, host: "127.0.0.1", port: gateway.ports[transport], username, credential };
  const wishes = JSON.stringify({ ...server, datagrams: DATAGRAMS, withinMs });
  return report("/usr/bin/python3", "aioice-call.py", [wishes], gateway, withinMs);
}

async function pairFor(gateway: Gateway, transport: Transport) {
  const { iceServers } = await gateway.mint({ label: `client-${transport}` });
  const [{ urls, username, credential } = { urls: [], username: "", credential: "" }] = iceServers;
  return { urls, username, credential };
}

/** Runs a script of this folder, with the gateway's authority where programs on OpenSSL and on Node look for one. */
async function report(
  command: string,
  script: string,
  args: readonly string[],
  gateway: Gateway,
  withinMs: number,
): Promise<ForeignReport> {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: gateway.authority.file, SSL_CERT_FILE: gateway.authority.file };
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { code, stdout, stderr } = await runToEnd(command, [path, ...args], { env, withinMs: withinMs + GRACE_MS });
  const [last = ""] = stdout.trim().split("\n").slice(-1);
  if (!last.startsWith("{")) throw new Error(`${script} ended with ${code}:\n${stdout}\n${stderr}`);
  return JSON.parse(last);
}
