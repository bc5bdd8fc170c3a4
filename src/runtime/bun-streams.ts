import type { Socket } from "node:net";
import type { RawStream, RawStreamHandler, RawStreams } from "./runtime.ts";

/** Streams by `Bun.connect({ fd })`, which `node:net` has no way to do. */
export const bunStreams: RawStreams = {
  async adopt(descriptor: number, handler: RawStreamHandler): Promise<RawStream> {
    const options = {
      fd: descriptor,
      allowHalfOpen: true,
      socket: {
        open: (socket: Bun.Socket) => void socket.pause(),
        data: (_socket: Bun.Socket, bytes: Uint8Array) => handler.data(bytes),
        drain: () => handler.drain(),
        end: () => handler.ended(),
        close: () => handler.closed(),
        error: () => {},
      },
    };
    const socket = await Bun.connect(options as unknown as Bun.TCPSocketConnectOptions);
    return {
      write: (bytes) => Math.max(0, socket.write(bytes)),
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      shutdown: () => void socket.shutdown(),
      close: () => void socket.end(),
      destroy: () => void socket.terminate(),
    };
  },

  descriptorOf(socket: Socket): number | undefined {
    const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } };
    return handle?.fd;
  },
};
