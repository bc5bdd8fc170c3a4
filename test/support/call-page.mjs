/**
 * What runs inside the browser: a call between two peer connections of one page, both through the relay.
 *
 * Goal: a data channel that carries so many octets each way intact, and a video track that the far side decodes.
 */
globalThis.call = async ({ iceServers, octets, frames, withinMs }) => {
  const near = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  const far = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  const errors = [];
  for (const [from, to] of [
    [near, far],
    [far, near],
  ]) {
    from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate).catch(() => {});
    from.onicecandidateerror = ({ url, errorCode, errorText }) => errors.push({ url, errorCode, errorText });
  }
  const deadline = new Promise((_, reject) => {
    setTimeout(
      () => reject(new Error(`The call took more than ${withinMs} ms: ${near.iceConnectionState}, ${JSON.stringify(errors)}`)),
      withinMs,
    );
  });
  try {
    return await Promise.race([talk(near, far, { octets, frames, errors }), deadline]);
  } finally {
    near.close();
    far.close();
  }
};

/** Gathers candidates of one peer connection until there are no more. */
globalThis.gather = async ({ iceServers, iceTransportPolicy, withinMs }) => {
  const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy });
  const candidates = [];
  const errors = [];
  connection.onicecandidateerror = ({ url, errorCode, errorText }) => errors.push({ url, errorCode, errorText });
  const complete = new Promise((resolve) => {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) resolve();
      else if (candidate.candidate !== "")
        candidates.push({ type: candidate.type, relayProtocol: candidate.relayProtocol, address: candidate.address });
    };
    setTimeout(resolve, withinMs);
  });
  connection.createDataChannel("gathering");
  await connection.setLocalDescription(await connection.createOffer());
  await complete;
  connection.close();
  return { candidates, errors };
};

async function talk(near, far, { octets, frames, errors }) {
  const begun = performance.now();
  const stopPainting = addVideo(near, far);
  const nearChannel = near.createDataChannel("octets");
  const farChannel = await new Promise((resolve, reject) => {
    far.ondatachannel = ({ channel }) => resolve(channel);
    negotiate(near, far).catch(reject);
  });
  await Promise.all([opened(nearChannel), opened(farChannel)]);
  const openMs = performance.now() - begun;
  const toFar = await transfer(nearChannel, farChannel, octets);
  const toNear = await transfer(farChannel, nearChannel, octets);
  const framesDecoded = await decoded(far, frames);
  stopPainting();
  return { openMs, toFar, toNear, framesDecoded, near: await selectedPair(near), far: await selectedPair(far), errors };
}

async function negotiate(near, far) {
  await near.setLocalDescription(await near.createOffer());
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription(await far.createAnswer());
  await near.setRemoteDescription(far.localDescription);
}

/** A canvas that changes is the near side's camera. */
function addVideo(near, far) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d");
  let hue = 0;
  const painting = setInterval(() => {
    hue = (hue + 7) % 360;
    context.fillStyle = `hsl(${hue} 80% 50%)`;
    context.fillRect(0, 0, 320, 240);
  }, 33);
  const stream = canvas.captureStream(30);
  for (const track of stream.getTracks()) near.addTrack(track, stream);
  far.ontrack = ({ track }) => {
    const video = Object.assign(document.createElement("video"), {
      muted: true,
      autoplay: true,
      srcObject: new MediaStream([track]),
    });
    document.body.append(video);
  };
  return () => clearInterval(painting);
}

function opened(channel) {
  channel.binaryType = "arraybuffer";
  return new Promise((resolve) => {
    if (channel.readyState === "open") resolve();
    else channel.onopen = () => resolve();
  });
}

/** Sends octets by chance and compares the hashes of what left and what came. */
async function transfer(from, to, octets) {
  const sent = new Uint8Array(octets);
  for (let at = 0; at < octets; at += 65_536) crypto.getRandomValues(sent.subarray(at, at + 65_536));
  const came = new Uint8Array(octets);
  let length = 0;
  const complete = new Promise((resolve) => {
    to.onmessage = ({ data }) => {
      came.set(new Uint8Array(data), length);
      length += data.byteLength;
      if (length === octets) resolve();
    };
  });
  from.bufferedAmountLowThreshold = 262_144;
  for (let at = 0; at < octets; at += 16_384) {
    if (from.bufferedAmount > 1_048_576) {
      await new Promise((resolve) => {
        from.onbufferedamountlow = resolve;
      });
    }
    from.send(sent.subarray(at, at + 16_384));
  }
  await complete;
  return { octets: length, intact: (await hash(sent)) === (await hash(came)) };
}

async function hash(octets) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", octets)).join();
}

async function decoded(connection, frames) {
  for (;;) {
    for (const stats of (await connection.getStats()).values()) {
      if (stats.type === "inbound-rtp" && stats.kind === "video" && stats.framesDecoded > frames) return stats.framesDecoded;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What getStats says of the candidate pair in use. */
async function selectedPair(connection) {
  const stats = await connection.getStats();
  const transport = [...stats.values()].find(({ type }) => type === "transport");
  const pair = stats.get(transport.selectedCandidatePairId);
  const local = stats.get(pair.localCandidateId);
  const remote = stats.get(pair.remoteCandidateId);
  return {
    local: { type: local.candidateType, relayProtocol: local.relayProtocol, url: local.url, address: local.address },
    remote: { type: remote.candidateType, address: remote.address },
    roundTripMs: pair.currentRoundTripTime * 1000,
  };
}
