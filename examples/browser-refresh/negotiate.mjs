/**
 * Lets either end of a call begin a negotiation at any time, as an ICE restart does.
 *
 * Where both begin at once, the polite end takes its offer back and answers the other's; the impolite one does not listen.
 *
 * @param connection the RTCPeerConnection
 * @param signalling your way to the other end: `send(message)`, and `onmessage`, which is set here
 * @param polite true at one end of the call, false at the other
 */
export function negotiate(connection, signalling, { polite }) {
  let offering = false;
  let deaf = false;

  connection.onnegotiationneeded = async () => {
    offering = true;
    try {
      await connection.setLocalDescription();
      signalling.send({ description: connection.localDescription });
    } finally {
      offering = false;
    }
  };

  connection.onicecandidate = ({ candidate }) => signalling.send({ candidate });

  signalling.onmessage = async ({ description, candidate }) => {
    if (description === undefined) {
      // Candidates of an offer that was not listened to belong to nothing.
      if (!deaf) await connection.addIceCandidate(candidate ?? undefined);
      return;
    }
    const collides = description.type === "offer" && (offering || connection.signalingState !== "stable");
    deaf = collides && !polite;
    if (deaf) return;
    await connection.setRemoteDescription(description);
    if (description.type === "offer") {
      await connection.setLocalDescription();
      signalling.send({ description: connection.localDescription });
    }
  };
}
