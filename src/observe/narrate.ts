import { formatAddress, type Transport } from "../net/address.ts";
import type { AllocationFacts, TurnEvent } from "../turn/event.ts";
import { type Counters, END_REASONS, IGNORED_REASONS, REJECTION_CODES } from "./counters.ts";

/** A line of the log as a value: it crosses threads. */
export interface Line {
  readonly level: "debug" | "info";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sentence: string;
}

/** Series, in the order of the table. */
const TO_PEER = 0;
const TO_CLIENT = 1;
const OVER_BANDWIDTH = 1;
const TRANSPORTS: readonly Transport[] = ["udp", "tcp", "tls"];

/** Counts an event, on the thread where it happened. */
export function count(counters: Counters, event: TurnEvent): void {
  if (event.type === "allocated") {
    counters.add("allocations", transportSeries(event.allocation));
    counters.add("allocations_total", transportSeries(event.allocation));
  } else if (event.type === "allocationEnded") {
    counters.add("allocations", transportSeries(event.allocation), -1);
    counters.add("allocations_ended_total", END_REASONS.indexOf(event.reason));
  } else if (event.type === "movedAway") {
    // In this order, and the other way round where it arrives: at no moment does it seem to be nowhere.
    counters.add("allocations_left_total", transportSeries(event.allocation));
    counters.add("allocations", transportSeries(event.allocation), -1);
  } else if (event.type === "movedHere") {
    counters.add("allocations", transportSeries(event.allocation));
    counters.add("allocations_moved_total", transportSeries(event.allocation));
  } else if (event.type === "rejected") {
    const series = REJECTION_CODES.indexOf(event.code);
    if (series >= 0) counters.add("requests_rejected_total", series);
  } else if (event.type === "ignored") {
    counters.add("messages_ignored_total", IGNORED_REASONS.indexOf(event.why));
  } else if (event.type === "overBandwidth") {
    counters.add("dropped_packets_total", OVER_BANDWIDTH);
  } else if (event.type === "connectionOver") {
    counters.add("relayed_octets_total", TO_PEER, event.octetsToPeer);
    counters.add("relayed_octets_total", TO_CLIENT, event.octetsToClient);
  } else {
    counters.add(PLAIN_COUNTERS[event.type]);
  }
}

const PLAIN_COUNTERS = {
  permitted: "permissions_total",
  channelBound: "channels_total",
  peerDenied: "peers_denied_total",
} as const;

/** The line an event is worth, if any. Addresses of clients and peers stand in lines of `debug` only. */
export function narrate(event: TurnEvent): Line | undefined {
  switch (event.type) {
    case "allocated":
      return { level: "debug", fields: { ...addresses(event.allocation) }, sentence: "Allocated" };
    case "allocationEnded": {
      const { allocation, durationMs, traffic, reason } = event;
      const fields = {
        project: allocation.project,
        transport: allocation.client.transport,
        seconds: durationMs / 1000,
        ...traffic,
        reason,
      };
      return { level: "info", fields, sentence: "Allocation ended" };
    }
    case "movedHere":
      return { level: "debug", fields: { ...addresses(event.allocation) }, sentence: "Allocation moved" };
    case "movedAway":
      return undefined;
    case "permitted":
      return {
        level: "debug",
        fields: { allocation: event.allocation, peer: formatAddress(event.peer) },
        sentence: "Peer permitted",
      };
    case "channelBound":
      return { level: "debug", fields: { allocation: event.allocation, channel: event.number }, sentence: "Channel bound" };
    case "peerDenied":
      return { level: "debug", fields: { peer: formatAddress(event.peer), rule: event.rule }, sentence: "Peer denied" };
    case "rejected":
      // Without proof anybody can cause it: counted, not told.
      if (event.username === undefined) return undefined;
      return {
        level: "debug",
        fields: { method: event.method, code: event.code, client: formatAddress(event.from.client) },
        sentence: "Refused",
      };
    case "ignored":
    case "overBandwidth":
    case "connectionOver":
      return undefined;
  }
}

function transportSeries({ client }: AllocationFacts): number {
  return TRANSPORTS.indexOf(client.transport);
}

function addresses({ id, project, client, relayed }: AllocationFacts): Record<string, unknown> {
  const { transport } = client;
  return { allocation: id, project, transport, client: formatAddress(client.client), relayed: relayed.map(formatAddress) };
}
