import { AF_UNIX, type Libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from "./libc.ts";
import { close } from "./socket.ts";

const PATH_OFFSET = 2; // sockaddr_un: u16 family, then the path
const MAX_PATH_OCTETS = 107;
const MESSAGE_OFFSET = 128;

/**
 * Tells systemd how we are: one datagram to `$NOTIFY_SOCKET`, as sd_notify(3) describes it.
 *
 * @param path a file's, or with `@` before it a name in the abstract namespace; `undefined`: nobody wants to know
 * @param state `READY=1`, `STOPPING=1`, …
 * @returns whether it was told
 */
export function notify(libc: Libc, path: string | undefined, state: string): boolean {
  if (path === undefined || path === "") return false;
  const name = new TextEncoder().encode(path.replace(/^@/, "\0"));
  const message = new TextEncoder().encode(state);
  if (name.length > MAX_PATH_OCTETS) return false;
  const socket = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const { scratch } = libc;
  scratch.bytes.fill(0, 0, MESSAGE_OFFSET);
  scratch.view.setUint16(0, AF_UNIX, true);
  scratch.bytes.set(name, PATH_OFFSET);
  scratch.bytes.set(message, MESSAGE_OFFSET);
  const addressBytes = PATH_OFFSET + name.length + (path.startsWith("@") ? 0 : 1);
  const sent = libc.sendto(socket, scratch.address + MESSAGE_OFFSET, message.length, MSG_DONTWAIT, scratch.address, addressBytes);
  close(libc, socket);
  return sent === message.length;
}
