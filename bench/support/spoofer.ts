import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { Arena } from "../../src/dataplane/batch/arena.ts";
import { openLibc, SystemError } from "../../src/dataplane/libc.ts";
import { fromHex } from "../../src/lib/bytes.ts";
import { parseAddress } from "../../src/net/address.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { MessageBuilder } from "../../src/stun/message.ts";
import { seeded } from "./measure.ts";

/**
 * A program: frames with an unauthenticated request, written to one end of a virtual cable, each from another of 2^24
 * source addresses and another port.
 *
 *     spoofer.ts --interface INDEX --mac HEX --to ADDRESS:PORT --rate N --count N [--binding]
 */
const { values } = parseArgs({
  options: {
    interface: { type: "string", default: "" },
    mac: { type: "string", default: "" },
    to: { type: "string", default: "" },
    rate: { type: "string", default: "10000" },
    count: { type: "string", default: "100000" },
    /** The seed of addresses and ports. */
    seed: { type: "string", default: "1" },
    binding: { type: "boolean", default: false },
  },
});

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETHERTYPE_IPV4 = 0x0800;
const SOCKADDR_LL_BYTES = 20;
const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const UDP_BYTES = 8;
const HEADERS_BYTES = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;
const UDP = 17;

const libc = openLibc(await openRuntime());
const to = parseAddress(values.to);
const request = requestOctets(values.binding);
const below = seeded(Number(values.seed));
const arena = new Arena(libc, 4096);
const frame = arena.take(HEADERS_BYTES + request.length);
const link = arena.take(SOCKADDR_LL_BYTES);
layOut();

const socket = libc.socket(AF_PACKET, SOCK_RAW, 0);
if (socket < 0) throw new SystemError("socket", libc.errno());
const [rate, count] = [Number(values.rate), Number(values.count)];
const begun = performance.now();
for (let sent = 0; sent < count; ) {
  const due = Math.min(count, ((performance.now() - begun) * rate) / 1000);
  for (; sent < due; sent++) sendFrom(below(1 << 24), 1024 + below(60_000));
  await sleep(1);
}

function layOut(): void {
  const { bytes, view } = arena;
  const mac = fromHex(values.mac);
  bytes.set(mac, frame);
  view.setUint16(frame + 12, ETHERTYPE_IPV4);
  const ip = frame + ETHERNET_BYTES;
  bytes.set([0x45, 0], ip);
  view.setUint16(ip + 2, IPV4_BYTES + UDP_BYTES + request.length);
  bytes.set([64, UDP], ip + 8);
  bytes.set(to.ip.octets, ip + 16);
  const udp = ip + IPV4_BYTES;
  view.setUint16(udp + 2, to.port);
  view.setUint16(udp + 4, UDP_BYTES + request.length); // a checksum of 0 is none (RFC 768)
  bytes.set(request, udp + UDP_BYTES);
  view.setUint16(link, AF_PACKET, true);
  view.setUint16(link + 2, ETHERTYPE_IPV4);
  view.setInt32(link + 4, Number(values.interface), true);
  bytes[link + 11] = mac.length;
  bytes.set(mac, link + 12);
}

/** @param host the last three octets of an address in 10/8 */
function sendFrom(host: number, port: number): void {
  const { view } = arena;
  const ip = frame + ETHERNET_BYTES;
  view.setUint32(ip + 12, 0x0a00_0000 | host);
  view.setUint16(ip + 10, 0);
  view.setUint16(ip + 10, checksum(ip));
  view.setUint16(ip + IPV4_BYTES, port);
  view.setUint32(ip + IPV4_BYTES + UDP_BYTES + 8, host); // a transaction of its own
  libc.sendto(socket, arena.address + frame, HEADERS_BYTES + request.length, 0, arena.address + link, SOCKADDR_LL_BYTES);
}

/** Of an IPv4 header (RFC 791 §3.1). */
function checksum(at: number): number {
  let sum = 0;
  for (let i = 0; i < IPV4_BYTES; i += 2) sum += arena.view.getUint16(at + i);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

function requestOctets(binding: boolean): Uint8Array {
  const message = new MessageBuilder(binding ? METHOD.binding : METHOD.allocate, CLASS.request, new Uint8Array(12).fill(7));
  if (!binding) message.add(ATTRIBUTE.requestedTransport, UDP);
  return message.build();
}
