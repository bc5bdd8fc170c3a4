import type { Socket } from "node:net";

/**
 * Has what a socket reads given to `take` as soon as it is read. A readable stream queues it first and tells of it by an
 * event, which for small reads costs as much as all that is done about them.
 *
 * @param take false if it wants none now: then the stream has it, and tells of it when it flows
 */
export function readDirectly(socket: Socket, take: (bytes: Uint8Array) => boolean): void {
  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding) => (chunk instanceof Uint8Array && take(chunk)) || push(chunk, encoding);
}
