/**
 * A call between two peer connections of one process, relay candidates alone, with the WebRTC of another package:
 * `node peer-call.mjs PACKAGE WISHES`, where the wishes are JSON `{iceServers, octets, withinMs}`. Prints what came about as JSON.
 */
import { createHash, randomBytes } from "node:crypto";

const CHUNK_OCTETS = 16_384;

const [packageName = "", wishes = "{}"] = process.argv.slice(2);
const { octets, withinMs, ...rest } = JSON.parse(wishes);
// node-datachannel's polyfill puts the pair into a URL as it is, although its library then decodes it.
const quote = packageName.startsWith("node-datachannel") ? encodeURIComponent : (text) => text;
const iceServers = rest.iceServers.map(({ urls, username, credential }) => {
  return { urls, username: quote(username), credential: quote(credential) };
});
const loaded = await import(packageName);
const { RTCPeerConnection } = loaded.default ?? loaded;

const late = setTimeout(() => finish({ candidates, problem: `nothing came about within ${withinMs} ms` }), withinMs);
const candidates = [];
const near = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
const far = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });

try {
  trickle(near, far);
  trickle(far, near);
  const nearChannel = near.createDataChannel("octets");
  const farChannel = new Promise((resolve) => {
    far.ondatachannel = ({ channel }) => resolve(channel);
  });
  await negotiate();
  const toFar = await transfer(nearChannel, await farChannel);
  const toNear = await transfer(await farChannel, nearChannel);
  finish({ toFar, toNear, candidates });
} catch (error) {
  finish({ candidates, problem: String(error?.stack ?? error) });
}

function trickle(from, to) {
  from.onicecandidate = ({ candidate }) => {
    if (!candidate?.candidate) return;
    candidates.push(candidate.candidate);
    // The far side may not have a description yet; the description itself then carries the candidate.
    Promise.resolve(to.addIceCandidate(candidate)).catch(() => undefined);
  };
}

async function negotiate() {
  await near.setLocalDescription(await near.createOffer());
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription(await far.createAnswer());
  await near.setRemoteDescription(far.localDescription);
}

/** Sends octets by chance; how many came, and whether they are the same. */
async function transfer(from, to) {
  await Promise.all([opened(from), opened(to)]);
  const sent = randomBytes(octets);
  const came = [];
  let length = 0;
  const complete = new Promise((resolve) => {
    to.onmessage = ({ data }) => {
      came.push(Buffer.from(data));
      length += data.byteLength ?? data.length;
      if (length >= octets) resolve();
    };
  });
  for (let at = 0; at < octets; at += CHUNK_OCTETS) from.send(Uint8Array.from(sent.subarray(at, at + CHUNK_OCTETS)));
  await complete;
  return { octets: length, intact: hash(sent) === hash(Buffer.concat(came)) };
}

function opened(channel) {
  channel.binaryType = "arraybuffer";
  return new Promise((resolve) => {
    if (channel.readyState === "open") resolve();
    else channel.onopen = () => resolve();
  });
}

function hash(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Prints and ends, without waiting for what a native package may keep running. */
function finish(report) {
  clearTimeout(late);
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(report.problem === undefined ? 0 : 1));
}
