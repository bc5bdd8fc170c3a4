import { keepFresh } from "./keep-fresh.mjs";
import { negotiate } from "./negotiate.mjs";

const EVERY_MS = 50;

/** Both ends of a call in one page: `near` sends its number again and again, `far` sends it back. Shown once a second. */
const counts = { sent: 0, back: 0, longestPauseMs: 0, fresh: 0, relay: "" };
const [toFar, toNear] = signallingPair();
const near = await connect(toFar, { polite: true });
const far = await connect(toNear, { polite: false });

far.ondatachannel = ({ channel }) => {
  channel.onmessage = ({ data }) => channel.send(data);
};
const channel = near.createDataChannel("numbers");
channel.onopen = () => setInterval(() => channel.send(String(++counts.sent)), EVERY_MS);
let lastMs;
channel.onmessage = ({ data }) => {
  const nowMs = performance.now();
  counts.longestPauseMs = Math.max(counts.longestPauseMs, nowMs - (lastMs ?? nowMs));
  lastMs = nowMs;
  if (Number(data) === counts.back + 1) counts.back++;
};
setInterval(show, 1000);

/** A peer connection through the relay alone, whose credential is renewed as long as it lives. */
async function connect(signalling, { polite }) {
  const { iceServers, ttl } = await fetchIce();
  // Without iceTransportPolicy the two ends of one page would need no relay.
  const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  negotiate(connection, signalling, { polite });
  keepFresh(connection, fetchFresh, ttl);
  return connection;
}

async function fetchIce() {
  const response = await fetch("/ice");
  if (!response.ok) throw new Error(`/ice answered ${response.status}`);
  return response.json();
}

async function fetchFresh() {
  const ice = await fetchIce();
  counts.fresh++;
  return ice;
}

/** Your signalling server, in two objects: what one sends, the other gets, in order. */
function signallingPair() {
  const ends = [{}, {}];
  ends.forEach((end, i) => {
    let before = Promise.resolve();
    end.send = (message) => {
      const text = JSON.stringify(message);
      before = before.then(() => ends[1 - i].onmessage(JSON.parse(text))).catch((error) => reportError(error));
    };
  });
  return ends;
}

async function show() {
  counts.relay = await relayOf(near);
  for (const [name, value] of Object.entries(counts)) {
    document.getElementById(name).textContent = typeof value === "number" ? Math.round(value) : value;
  }
}

/** The relayed address that the call uses now. */
async function relayOf(connection) {
  const stats = await connection.getStats();
  const transport = [...stats.values()].find(({ type }) => type === "transport");
  const local = stats.get(stats.get(transport?.selectedCandidatePairId)?.localCandidateId);
  return local ? `${local.candidateType} ${local.address}:${local.port}` : "";
}
