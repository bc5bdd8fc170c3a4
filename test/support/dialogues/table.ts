import type { Dialogue, Parts, PeerName, Turn } from "./turn.ts";

const UDP = 17;
const allocate = (has: Parts = {}): Turn => ({ ask: "Allocate", has: { transport: UDP, ...has } });
const refresh = (has: Parts = {}): Turn => ({ ask: "Refresh", has });
const permit = (...peers: readonly PeerName[]): Turn => ({ ask: "CreatePermission", has: { peers } });
const bind = (channel: number, peer: PeerName): Turn => ({ ask: "ChannelBind", has: { channel, peers: [peer] } });
const send = (peer: PeerName, text = "to peer"): Turn => ({ send: peer, text });
const over = (channel: number, text = "over channel"): Turn => ({ over: channel, text });
const hear = (peer: PeerName, text = "to client"): Turn => ({ hear: peer, text });
const raw = (label: string, octets: string): Turn => ({ label, raw: octets });

const ID = "0102030405060708090a0b0c";
const COOKIE = "2112a442";
const proofs = [
  { integrity: "none" },
  { without: ["username"] },
  { without: ["realm"] },
  { without: ["nonce"] },
  { username: "unknown" },
  { password: "wrong" },
  { nonce: "strange" },
  { nonce: "empty" },
  { nonce: "strange", password: "wrong" },
] as const;
const requests: readonly Turn[] = [allocate(), refresh(), permit("P1"), bind(0x4000, "P1")];

/** What may be wrong with a request's proof, for each request, with an allocation and without. */
const proven: readonly Dialogue[] = proofs.flatMap((how) =>
  requests.flatMap((turn) => {
    if (!("ask" in turn)) return [];
    const name = `${turn.ask}, ${JSON.stringify(how)}`;
    const asked: Turn = { ...turn, how };
    const once = { name, turns: [asked] };
    return turn.ask === "Allocate" ? [once] : [once, { name: `${name}, allocated`, turns: [allocate(), asked, refresh()] }];
  }),
);

const binding: readonly Dialogue[] = [
  { name: "Binding", turns: [{ ask: "Binding", how: { integrity: "none" } }] },
  { name: "Binding with FINGERPRINT", turns: [{ ask: "Binding", how: { integrity: "none", fingerprint: "right" } }] },
  { name: "Binding with a wrong FINGERPRINT", turns: [{ ask: "Binding", how: { integrity: "none", fingerprint: "wrong" } }] },
  {
    name: "Binding, unknown required",
    turns: [{ ask: "Binding", has: { raw: [[0x7ffe, "01020304"]] }, how: { integrity: "none" } }],
  },
  {
    name: "Binding, unknown optional",
    turns: [{ ask: "Binding", has: { raw: [[0xfffe, "01020304"]] }, how: { integrity: "none" } }],
  },
  { name: "Binding twice", turns: [{ ask: "Binding", how: { integrity: "none" } }, { again: true }] },
];

const allocations: readonly Dialogue[] = [
  { name: "allocate, refresh, end", turns: [allocate(), refresh(), refresh({ lifetime: 0 }), refresh()] },
  ...[0, 1, 599, 600, 601, 1800, 3600, 3601, 86_400, 4_294_967_295].flatMap((lifetime) => [
    { name: `allocate for ${lifetime}`, turns: [allocate({ lifetime })] },
    { name: `refresh for ${lifetime}`, turns: [allocate(), refresh({ lifetime }), permit("P1")] },
  ]),
  { name: "no transport", turns: [{ ask: "Allocate" }] },
  ...[0, 1, 6, 16, 18, 132, 255].map((transport) => ({ name: `transport ${transport}`, turns: [allocate({ transport })] })),
  { name: "allocate twice", turns: [allocate(), allocate()] },
  { name: "allocate, retransmitted", turns: [allocate(), { again: true }] },
  {
    name: "allocate, another's username",
    turns: [allocate(), { ask: "Allocate", has: { transport: UDP }, how: { username: "another" } }],
  },
  { name: "IPv4", turns: [allocate({ family: 4 }), refresh({ family: 4 })] },
  { name: "IPv6", turns: [allocate({ family: 6 }), permit("IPv6"), send("IPv6"), hear("IPv6"), refresh({ family: 6 })] },
  { name: "unknown family", turns: [allocate({ family: "unknown" })] },
  {
    name: "both families",
    turns: [allocate({ additional: 6 }), permit("P1", "IPv6"), send("P1"), send("IPv6"), hear("P1"), hear("IPv6")],
  },
  { name: "both families, IPv4 as the other", turns: [allocate({ additional: 4 })] },
  {
    name: "both families, refreshed alone",
    turns: [allocate({ additional: 6 }), refresh({ family: 6 }), refresh({ family: 4, lifetime: 0 }), refresh({ family: 6 })],
  },
  { name: "family and other family", turns: [allocate({ family: 4, additional: 6 })] },
  { name: "even port", turns: [allocate({ evenPort: false })] },
  { name: "even port and the next", turns: [allocate({ evenPort: true })] },
  { name: "even port, both families", turns: [allocate({ evenPort: false, additional: 6 })] },
  { name: "even port and the next, both families", turns: [allocate({ evenPort: true, additional: 6 })] },
  { name: "even port and the next, retransmitted", turns: [allocate({ evenPort: true }), { again: true }] },
  { name: "unknown token", turns: [allocate({ token: "unknown" })] },
  { name: "token and even port", turns: [allocate({ token: "unknown", evenPort: false })] },
  { name: "token and family", turns: [allocate({ token: "unknown", family: 4 })] },
  { name: "token and other family", turns: [allocate({ token: "unknown", additional: 6 })] },
  { name: "whole", turns: [allocate({ dontFragment: true }), permit("P1"), { send: "P1", text: "whole", whole: true }] },
  { name: "whole, without asking", turns: [allocate(), permit("P1"), { send: "P1", text: "whole", whole: true }] },
  { name: "unknown required", turns: [allocate({ raw: [[0x7ffe, "01020304"]] })] },
  { name: "unknown optional", turns: [allocate({ raw: [[0xfffe, "01020304"]] })] },
  { name: "short LIFETIME", turns: [allocate({ raw: [[0x000d, "0258"]] })] },
  { name: "long REQUESTED-TRANSPORT", turns: [{ ask: "Allocate", has: { raw: [[0x0019, "1100000000000000"]] } }] },
  { name: "empty REQUESTED-TRANSPORT", turns: [{ ask: "Allocate", has: { raw: [[0x0019, ""]] } }] },
  { name: "SHA-256", turns: [{ ask: "Allocate", has: { transport: UDP }, how: { integrity: "sha256" } }] },
  { name: "FINGERPRINT", turns: [{ ask: "Allocate", has: { transport: UDP }, how: { fingerprint: "right" } }, { again: true }] },
];

const peers: readonly Dialogue[] = [
  { name: "nothing without an allocation", turns: [refresh(), permit("P1"), bind(0x4000, "P1"), send("P1"), over(0x4000)] },
  {
    name: "another's username",
    turns: [
      allocate(),
      ...requests.slice(1).map((turn): Turn => ("ask" in turn ? { ...turn, how: { username: "another" } } : turn)),
    ],
  },
  {
    name: "no peer",
    turns: [
      allocate(),
      permit(),
      { ask: "ChannelBind", has: { channel: 0x4000 } },
      { ask: "ChannelBind", has: { peers: ["P1"] } },
    ],
  },
  { name: "permission, both ways", turns: [allocate(), permit("P1"), send("P1"), hear("P1"), send("P2"), hear("P2")] },
  { name: "no permission", turns: [allocate(), send("P1"), hear("P1")] },
  { name: "several permissions", turns: [allocate(), permit("P1", "P2"), send("P2"), hear("P2")] },
  { name: "permission of the wrong family", turns: [allocate(), permit("IPv6"), permit("P1", "IPv6")] },
  { name: "permission for port 0", turns: [allocate(), permit("port 0"), hear("P1"), send("port 0")] },
  { name: "malformed peer", turns: [allocate(), { ask: "CreatePermission", has: { raw: [[0x0012, "0003000001020304"]] } }] },
  { name: "short peer", turns: [allocate(), { ask: "CreatePermission", has: { raw: [[0x0012, "000100"]] } }] },
  { name: "permission again", turns: [allocate(), permit("P1"), { again: true }, hear("P1")] },
  { name: "channel, both ways", turns: [allocate(), bind(0x4000, "P1"), over(0x4000), hear("P1"), send("P1"), hear("P2")] },
  {
    name: "channel, empty and odd data",
    turns: [allocate(), bind(0x4001, "P1"), over(0x4001, ""), over(0x4001, "x"), hear("P1", ""), hear("P1", "xyz")],
  },
  { name: "channel again", turns: [allocate(), bind(0x4000, "P1"), { again: true }, bind(0x4000, "P1"), over(0x4000)] },
  { name: "channel to another peer", turns: [allocate(), bind(0x4000, "P1"), bind(0x4000, "P2")] },
  { name: "another channel to the peer", turns: [allocate(), bind(0x4000, "P1"), bind(0x4001, "P1")] },
  { name: "two channels to one address", turns: [allocate(), bind(0x4000, "P1"), bind(0x4001, "P2"), over(0x4001), hear("P2")] },
  ...[0, 0x3fff, 0x4fff, 0x5000, 0x7ffe, 0x7fff, 0x8000, 0xffff].map((channel) => ({
    name: `channel ${channel}`,
    turns: [allocate(), bind(channel, "P1")],
  })),
  { name: "channel of the wrong family", turns: [allocate(), bind(0x4000, "IPv6")] },
  { name: "channel to port 0", turns: [allocate(), bind(0x4000, "port 0")] },
  { name: "channel that is not bound", turns: [allocate(), over(0x4000), bind(0x4000, "P1"), over(0x4001)] },
  {
    name: "after the end",
    turns: [
      allocate(),
      bind(0x4000, "P1"),
      refresh({ lifetime: 0 }),
      over(0x4000),
      send("P1"),
      hear("P1"),
      permit("P1"),
      allocate(),
    ],
  },
  { name: "unknown required, allocated", turns: [allocate(), refresh({ raw: [[0x7ffe, "00"]] }), permit("P1")] },
];

const octets: readonly Dialogue[] = [
  raw("no cookie", `0001000000000000${ID}`),
  raw("a length that lies", `00010004${COOKIE}${ID}`),
  raw("an unknown method", `0ee10000${COOKIE}${ID}`),
  raw("a Binding indication", `00110000${COOKIE}${ID}`),
  raw("a Binding response", `01010000${COOKIE}${ID}`),
  raw("a Send request", `00060000${COOKIE}${ID}`),
  raw("a Data indication", `00170000${COOKIE}${ID}`),
].map((turn) => ({ name: "raw" in turn ? turn.label : "", turns: [turn] }));

/** Octets that begin neither a message nor ChannelData: of a stream nobody can tell where the next one begins. */
const lostStep: Dialogue = {
  name: "octets that begin nothing",
  turns: [allocate(), raw("octets that begin nothing", "3fff0004aabbccdd"), refresh()],
};

/** Every dialogue that is written out. */
export const DIALOGUES: readonly Dialogue[] = [...binding, ...proven, ...allocations, ...peers, ...octets, lostStep];
