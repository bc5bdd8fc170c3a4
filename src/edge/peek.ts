import type { Socket } from "node:net";

/**
 * Reads the beginning of a connection, segment by segment, until `judge` knows enough.
 *
 * The socket is never put into flowing mode, so what was read can be put back with `unshift` and whoever comes next
 * finds an untouched stream. A connection that ends before the verdict is destroyed; how long to wait is the caller's.
 *
 * @param judge takes the next segment; `undefined` asks for more
 * @param then what to do with the verdict; our listeners are gone by then
 */
export function peek<T>(socket: Socket, judge: (segment: Uint8Array) => T | undefined, then: (verdict: T) => void): void {
  const onEnd = (): void => {
    socket.destroy();
  };
  const onReadable = (): void => {
    guarded(socket, () => {
      for (let segment = segmentOf(socket); segment !== undefined; segment = segmentOf(socket)) {
        const verdict = judge(segment);
        if (verdict === undefined) continue;
        socket.off("readable", onReadable);
        socket.off("end", onEnd);
        then(verdict);
        return;
      }
    });
  };
  socket.on("end", onEnd);
  socket.on("readable", onReadable);
}

/** Runs a call-back of a socket; what it throws is thrown on, but leaves no open socket behind. */
export function guarded(socket: Socket, run: () => void): void {
  let survived = false;
  try {
    run();
    survived = true;
  } finally {
    if (!survived) socket.destroy();
  }
}

function segmentOf(socket: Socket): Uint8Array | undefined {
  const segment: unknown = socket.read();
  return segment instanceof Uint8Array ? segment : undefined;
}
