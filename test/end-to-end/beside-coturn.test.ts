import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress, type Transport } from "../../src/net/address.ts";
import { startCoturn } from "../support/coturn.ts";
import { type Difference, differencesOf } from "../support/dialogues/compare.ts";
import { randomDialogue } from "../support/dialogues/random-dialogue.ts";
import { type Spoken, speak } from "../support/dialogues/speaker.ts";
import { DIALOGUES } from "../support/dialogues/table.ts";
import type { Dialogue } from "../support/dialogues/turn.ts";
import { startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { shared, SLOW } from "../support/shared.ts";
import { rowsOf } from "../support/test-names.ts";
import { hasIpv6 } from "../support/udp-peer.ts";

const AT_ONCE = 16;
const RANDOM = 240;
const PAGE = "docs/rfc/differences.md";

/** Those that need no IPv6, where the host has none. */
const possible = (dialogue: Dialogue): boolean => hasIpv6 || !/IPv6|"additional":6|"family":6/.test(JSON.stringify(dialogue));

/**
 * Goal: to a client we are what coturn is, but for differences that are meant. Method: the same dialogues with both, written
 * out and of chance; each turn's outcome, attributes and values are compared, and every difference must have its row in
 * docs/rfc/differences.md.
 */
describe("beside coturn", { skip: needs("turnserver") }, () => {
  const both = shared(async () => {
    const gateway = await startGateway({ settings: { relay: { peers: { allow: ["127.0.0.0/8", "::1/128"] } } } });
    const coturn = await startCoturn(gateway.files);
    const [own, another] = [await gateway.mint(), await gateway.mint({ label: "another" })];
    const ours = (transport: "udp" | "tcp"): Spoken => ({
      server: parseAddress(`127.0.0.1:${gateway.ports[transport]}`),
      pairs: [own, another],
    });
    const theirs: Spoken = {
      server: parseAddress(`127.0.0.1:${coturn.port}`),
      pairs: [coturn.credentials(), coturn.credentials("another")],
    };
    return { ours, theirs, stop: () => Promise.all([gateway.stop(), coturn.stop()]) };
  });

  for (const transport of ["udp", "tcp"] as const) {
    test(`dialogues over ${transport} go as they go with coturn, or as the table says`, SLOW, async () => {
      await compareAll(DIALOGUES.filter(possible), transport);
    });

    test(`dialogues of chance over ${transport} go as they go with coturn, or as the table says`, SLOW, async () => {
      const first = transport === "udp" ? 1 : 1 + RANDOM;
      const dialogues = Array.from({ length: RANDOM }, (_, i) => randomDialogue(first + i));
      await compareAll(dialogues.filter(possible), transport);
    });
  }

  async function compareAll(dialogues: readonly Dialogue[], transport: "udp" | "tcp"): Promise<void> {
    const { ours, theirs } = await both();
    const rows = new Set(
      rowsOf(PAGE, 5).map(([turn, our, their]) => keyOf({ turn: turn ?? "", ours: our ?? "", theirs: their ?? "" })),
    );
    const untold = new Map<string, string>();
    const queue = [...dialogues];
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const look = async (): Promise<string[]> => {
          const found = await differences(next, ours(transport), theirs, transport);
          return found.map(keyOf).filter((key) => !rows.has(key));
        };
        const once = await look();
        // A machine that is busy delays packets beyond what we wait for: a difference is what shows again.
        const again = once.length === 0 ? [] : await look();
        for (const key of once.filter((each) => again.includes(each))) {
          untold.set(key, `${key}  (${next.name}: ${JSON.stringify(next.turns)})`);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    assert.ok(untold.size === 0, `${PAGE} has no row for\n${[...untold.values()].join("\n")}`);
  }
});

async function differences(
  dialogue: Dialogue,
  ours: Spoken,
  theirs: Spoken,
  transport: Transport,
): Promise<readonly Difference[]> {
  const [our, their] = await Promise.all([speak(dialogue, ours, transport), speak(dialogue, theirs, transport)]);
  return differencesOf(dialogue, our, their);
}

function keyOf({ turn, ours, theirs }: Difference): string {
  return `| ${turn} | ${ours} | ${theirs} |`;
}
