/** After this part of the lifetime it is time: the rest is for tries that fail. */
const PART = 0.75;
const TRY_AGAIN_MS = 1000;

/**
 * Keeps the ICE servers of a peer connection from expiring.
 *
 * In time it asks for new ones, hands them to the connection, and restarts ICE: the call goes on over the old allocation
 * until one of the new credential has taken its place, and not a word is lost. `restartIce` makes the connection ask for
 * a negotiation, which must be in place (`negotiate.mjs`). Both ends of a call do this, each for its own credential.
 *
 * @param connection the RTCPeerConnection
 * @param fetchIce asks your back end for `{ iceServers, ttl }`
 * @param ttl how many seconds what the connection has now is good for
 * @returns a function that ends it
 */
export function keepFresh(connection, fetchIce, ttl) {
  let timer = setTimeout(refresh, ttl * 1000 * PART);

  async function refresh() {
    let next = TRY_AGAIN_MS;
    try {
      const fresh = await fetchIce();
      if (connection.signalingState === "closed") return;
      connection.setConfiguration({ ...connection.getConfiguration(), iceServers: fresh.iceServers });
      connection.restartIce();
      next = fresh.ttl * 1000 * PART;
    } catch (error) {
      reportError(error);
    }
    timer = setTimeout(refresh, next);
  }

  return () => clearTimeout(timer);
}
