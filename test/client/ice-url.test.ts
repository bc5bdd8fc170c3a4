import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseIceUrl } from "../../src/client/ice-url.ts";

const good = [
  { text: "stun:relay.example.com", means: { relay: false, host: "relay.example.com", port: 3478, transport: "udp" } },
  { text: "stun:192.0.2.1:1234", means: { relay: false, host: "192.0.2.1", port: 1234, transport: "udp" } },
  { text: "turn:relay.example.com", means: { relay: true, host: "relay.example.com", port: 3478, transport: "udp" } },
  { text: "turn:h:3478?transport=udp", means: { relay: true, host: "h", port: 3478, transport: "udp" } },
  { text: "turn:h:3478?transport=tcp", means: { relay: true, host: "h", port: 3478, transport: "tcp" } },
  { text: "turns:h:443?transport=tcp", means: { relay: true, host: "h", port: 443, transport: "tls" } },
  { text: "turns:h", means: { relay: true, host: "h", port: 5349, transport: "tls" } },
  { text: "TURN:[2001:db8::1]:3478?TRANSPORT=TCP", means: { relay: true, host: "2001:db8::1", port: 3478, transport: "tcp" } },
];

const bad = [
  ...[
    "",
    "http://h",
    "turn:",
    "turn:h:0",
    "turn:h:65536",
    "turn:h?transport=sctp",
    "turn:[h]:1",
    "turn:[192.0.2.1]:1",
    "turn:2001:db8::1",
  ],
  ...["stun:h?transport=udp", "turns:h?transport=udp", "turn://h", "turn:u@h", "turn:h:3478 "],
];

describe("parseIceUrl", () => {
  for (const { text, means } of good) test(`reads ${text}`, () => assert.deepEqual(parseIceUrl(text), means));
  for (const text of bad) test(`refuses "${text}"`, () => assert.throws(() => parseIceUrl(text), SyntaxError));
});
