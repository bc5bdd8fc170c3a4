import type { Socket } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";

const TEXT = "Bad Request\n";

/**
 * Answers what is neither TLS nor STUN as web servers answer a request they cannot read, and closes.
 *
 * What the client still sends is read and thrown away for a moment: closing on unread octets would reset the
 * connection, and the answer would be lost with it.
 */
export function refuse(socket: Socket, lingerMs: number): void {
  const head = [
    "HTTP/1.1 400 Bad Request",
    `Date: ${new Date().toUTCString()}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${TEXT.length}`,
    "Connection: close",
  ];
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
  socket.once("end", () => socket.destroySoon());
  socket.on("data", () => {}); // thrown away
  socket.end(`${head.join("\r\n")}\r\n\r\n${TEXT}`);
  socket.resume();
}
