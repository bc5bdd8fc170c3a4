import assert from "node:assert/strict";
import { HelloReader, MAX_HELLO_BYTES } from "../../../src/edge/hello.ts";
import { readProxyHeader } from "../../../src/edge/proxy-header.ts";
import { sniff } from "../../../src/edge/sniff.ts";
import { isLabel, parseUsername } from "../../../src/credentials/credential.ts";
import { readUint16, toHex } from "../../../src/lib/bytes.ts";
import { Secret } from "../../../src/lib/secret.ts";
import { ATTRIBUTE } from "../../../src/stun/attributes.ts";
import { channelDataLength, isChannelNumber } from "../../../src/stun/channel-data.ts";
import { Framer } from "../../../src/stun/framing.ts";
import { HEADER_BYTES, METHOD } from "../../../src/stun/header.ts";
import type { MessageBuilder } from "../../../src/stun/message.ts";
import { makeWorld, type World } from "../../http/world.ts";
import { readAll } from "../read-all.ts";
import type { Outcome } from "../simulated-client.ts";
import { Simulation } from "../simulation.ts";
import { addRaw } from "../turn-requests.ts";

/** A parser that strangers reach. */
export interface FuzzTarget {
  readonly name: string;
  /** Throws if the input is not answered as it must be. */
  run(input: Uint8Array): void | Promise<void>;
  /** How many inputs a second it takes at the least; less is a parser whose time grows with what it is given. */
  readonly perSecond: number;
}

const LONGEST_FRAME = 65_535 + 20;
/** How many messages one world gets, so that what one leaves behind another meets. */
const INPUTS_OF_A_WORLD = 200;

/** Every parser of the product that takes octets from strangers. */
export function fuzzTargets(): readonly FuzzTarget[] {
  return [
    { name: "stun", run: (input) => void readAll(input), perSecond: 2000 },
    { name: "engine", run: engineTarget(), perSecond: 500 },
    { name: "engine-proven", run: provenTarget(), perSecond: 500 },
    { name: "channel-data", run: channelData, perSecond: 50_000 },
    { name: "framing", run: framing, perSecond: 1000 },
    { name: "hello", run: hello, perSecond: 500 },
    { name: "proxy-header", run: proxyHeader, perSecond: 10_000 },
    { name: "username", run: username, perSecond: 10_000 },
    { name: "http-body", run: httpBody(), perSecond: 100 },
    { name: "jwt", run: jwt(), perSecond: 100 },
  ];
}

/** Whatever comes, and whoever it comes from: a client with an allocation and one without; what was taken comes back. */
function engineTarget(): (input: Uint8Array) => void {
  let world = new Simulation({ seed: 1 });
  let clients = clientsOf(world);
  let left = INPUTS_OF_A_WORLD;
  return (input) => {
    for (const client of clients) client.transmit(input);
    assert.ok(world.engine.allocations <= clients.length);
    if (--left > 0) return;
    world.advance({ seconds: 5000 });
    world.assertNothingIsLeft();
    world = new Simulation({ seed: 1 });
    clients = clientsOf(world);
    left = INPUTS_OF_A_WORLD;
  };
}

function clientsOf(world: Simulation) {
  const [one, other, stream] = [world.client(), world.client(), world.client({ transport: "tls" })];
  one.allocate({ dual: true });
  one.channelBind(0x4000, "198.51.100.1:9");
  stream.allocate();
  return [one, other, stream];
}

const METHODS = [METHOD.binding, METHOD.allocate, METHOD.refresh, METHOD.createPermission, METHOD.channelBind];
const {
  username: name,
  realm,
  nonce,
  passwordAlgorithm,
  passwordAlgorithms,
  messageIntegrity,
  messageIntegritySha256,
  fingerprint,
} = ATTRIBUTE;
/** What a request of ours has of its own, or what ends it. */
const OWN: ReadonlySet<number> = new Set(
  [name, realm, nonce, passwordAlgorithm, passwordAlgorithms, messageIntegrity, messageIntegritySha256, fingerprint].map(
    ({ type }) => type,
  ),
);
const CODES: ReadonlySet<Outcome> = new Set<Outcome>(["ok", 400, 403, 405, 420, 437, 440, 442, 443, 446, 447, 486, 508]);

/** The same attributes, whatever they are, behind a good credential: what a customer can send. */
function provenTarget(): (input: Uint8Array) => void {
  let world = new Simulation({ seed: 1, ports: [50_000, 50_007] });
  let left = INPUTS_OF_A_WORLD;
  let clients = [world.client(), world.client(), world.client()];
  return (input) => {
    const method = METHODS[(input[1] ?? 0) % METHODS.length] ?? METHOD.binding;
    const client = clients[(input[8] ?? 0) % clients.length];
    const { outcome } = client?.ask(method, (b) => addAll(b, input)) ?? { outcome: "ok" };
    assert.ok(CODES.has(outcome), `${outcome}`);
    world.advance({ seconds: (input[9] ?? 0) % 64 });
    if (--left > 0) return;
    world.advance({ seconds: 5000 });
    world.assertNothingIsLeft();
    world = new Simulation({ seed: 1, ports: [50_000, 50_007] });
    clients = [world.client(), world.client(), world.client()];
    left = INPUTS_OF_A_WORLD;
  };
}

function addAll(builder: MessageBuilder, input: Uint8Array): void {
  for (let at = HEADER_BYTES; at + 4 <= input.length; ) {
    const [type, length] = [readUint16(input, at), readUint16(input, at + 2) % 64];
    if (!OWN.has(type)) addRaw(builder, type, ...input.subarray(at + 4, at + 4 + length));
    at += 4 + ((length + 3) & ~3);
  }
}

function channelData(input: Uint8Array): void {
  const offset = (input[0] ?? 0) % 4;
  const length = channelDataLength(input, offset, input.length - offset);
  assert.ok(length >= -1 && length <= Math.max(-1, input.length - offset - 4));
  if (length >= 0) assert.ok(isChannelNumber(((input[offset] ?? 0) << 8) | (input[offset + 1] ?? 0)));
}

/** However a stream is cut, the same frames come out of it, and none longer than a frame can be. */
function framing(input: Uint8Array): void {
  const whole = framesOf([input]);
  const step = 1 + ((input[input.length - 1] ?? 0) % 37);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += step) pieces.push(input.subarray(at, at + step));
  assert.deepEqual(framesOf(pieces), whole);
}

function framesOf(pieces: readonly Uint8Array[]): { frames: string[]; broken: boolean } {
  const framer = new Framer();
  const frames: string[] = [];
  for (const piece of pieces) {
    framer.push(piece);
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
      assert.ok(frame.length >= 4 && frame.length <= LONGEST_FRAME);
      frames.push(toHex(frame.bytes.subarray(frame.offset, frame.offset + frame.length)));
    }
  }
  return { frames, broken: framer.broken };
}

/** However a hello is cut, it says the same, is read within its limit, and nothing of it is lost. */
function hello(input: Uint8Array): void {
  const whole = new HelloReader();
  const state = whole.push(input);
  assert.ok(state !== "not yet" || input.length < MAX_HELLO_BYTES);
  const cut = new HelloReader();
  const step = 1 + ((input[0] ?? 0) % 29);
  let cutState: ReturnType<HelloReader["push"]> = "not yet";
  for (let at = 0; at < input.length; at += step) cutState = cut.push(input.subarray(at, at + step));
  assert.deepEqual(cutState, state);
  assert.equal(toHex(cut.bytes()), toHex(input));
  const alpn = typeof state === "object" ? state.alpn[0] : undefined;
  assert.ok(["turn", "http", "not yet"].includes(sniff(alpn, input)));
}

function proxyHeader(input: Uint8Array): void {
  const header = readProxyHeader(input);
  if (typeof header !== "object") return;
  assert.ok(header.length > 0 && header.length <= input.length);
  assert.deepEqual(readProxyHeader(input.subarray(0, header.length)), header, "it ends where it says");
  for (const end of [header.ends?.client, header.ends?.server]) {
    if (end !== undefined) assert.ok(end.port >= 0 && end.port <= 65_535);
  }
}

function username(input: Uint8Array): void {
  const text = new TextDecoder().decode(input);
  const parsed = parseUsername(text);
  assert.equal(typeof isLabel(text), "boolean");
  if (parsed !== undefined) assert.ok(Number.isFinite(parsed.expiresUnixMs) && parsed.project.length > 0);
}

/** A body is a pair, or a problem of the caller's; never a mistake of ours. */
function httpBody(): (input: Uint8Array) => Promise<void> {
  const world = makeWorld();
  const headers = { "content-type": "application/json" };
  return async (input) => {
    const body = new Uint8Array(input);
    const response = await world.ask("/v1/credentials", { method: "POST", key: world.keyA, headers, body });
    assert.ok([200, 400, 403, 413, 503].includes(response.status), `${response.status}`);
    assert.equal(world.logged.length, 0);
    await response.text();
  };
}

/** A token speaks for somebody, or is `unauthorized`. */
function jwt(): (input: Uint8Array) => Promise<void> {
  const world = jwtWorld();
  return async (input) => {
    const token = String.fromCharCode(...input.subarray(0, 9000)).replace(/[^\x21-\x7e]/g, "");
    for (const path of ["/api/v1/ice-servers", `/api/v1/ice-servers?token=${encodeURIComponent(token)}`]) {
      const response = await world.ask(path, path.includes("?") ? {} : { key: token });
      assert.ok([200, 401].includes(response.status), `${response.status}`);
      await response.text();
    }
    assert.equal(world.logged.length, 0);
  };
}

function jwtWorld(): World {
  const world = makeWorld();
  const secret = new Secret("a shared secret of 32 octets....");
  world.settings = {
    ...world.settings,
    jwt: { algorithms: ["HS256"], secret, issuer: undefined, audience: undefined, project: "project_a" },
  };
  return world;
}
