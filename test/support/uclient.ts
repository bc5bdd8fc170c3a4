import type { Transport } from "../../src/net/address.ts";
import { runToEnd } from "./child.ts";

/** What coturn's test client shall do. */
export interface UclientWishes {
  readonly transport: Transport;
  /** Where the server is. */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly credential: string;
  /** Clients at once; they talk in pairs, relay to relay, unless there is a peer. */
  readonly clients: number;
  /** Messages of each client, so many milliseconds apart. */
  readonly messages: number;
  readonly intervalMs?: number;
  readonly octets?: number;
  /** Send indications instead of channels. */
  readonly indications?: boolean;
  /** An IPv6 relayed address. */
  readonly ipv6?: boolean;
  /** TCP allocations (RFC 6062) that connect to each other. */
  readonly tcpRelay?: boolean;
  /** Allocations that are made from one socket and used from another (RFC 8016). */
  readonly mobile?: boolean;
  /** An echo server to talk to. */
  readonly peer?: { readonly host: string; readonly port: number } | undefined;
}

/** What it counted. */
export interface UclientTotals {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly dropped: number;
  readonly seconds: number;
}

/**
 * Runs `turnutils_uclient` and reads its totals.
 *
 * @throws {Error} with what it said, if it did not get that far
 */
export async function uclient(wishes: UclientWishes): Promise<UclientTotals> {
  const { peer } = wishes;
  const args = [
    ...{ udp: [], tcp: ["-t"], tls: ["-t", "-S"] }[wishes.transport],
    ...(wishes.indications ? ["-s"] : []),
    ...(wishes.ipv6 ? ["-x"] : []),
    ...(wishes.tcpRelay ? ["-T"] : []),
    ...(wishes.mobile ? ["-M"] : []),
    ...(peer === undefined ? ["-y"] : ["-e", peer.host, "-r", `${peer.port}`]),
    ...["-c", "-u", wishes.username, "-w", wishes.credential, "-p", `${wishes.port}`],
    ...[
      "-m",
      `${wishes.clients}`,
      "-n",
      `${wishes.messages}`,
      "-z",
      `${wishes.intervalMs ?? 20}`,
      "-l",
      `${wishes.octets ?? 200}`,
    ],
    wishes.host,
  ];
  const { code, stdout, stderr } = await runToEnd("turnutils_uclient", args, { withinMs: 90_000 });
  const totals = /start_mclient: tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/.exec(stdout);
  const losses = /Total lost packets (\d+) .*total send dropped (\d+)/.exec(stdout);
  const time = /Total transmit time is (\d+)/.exec(stdout);
  if (!totals || !losses) throw new Error(`turnutils_uclient ${args.join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
  return {
    sent: Number(totals[1]),
    received: Number(totals[2]),
    lost: Number(losses[1]),
    dropped: Number(losses[2]),
    seconds: Number(time?.[1] ?? 0),
  };
}
