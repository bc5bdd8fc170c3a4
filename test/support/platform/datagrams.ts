import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Datagrams by `node:dgram`. */
export async function datagrams(): Promise<void> {
  const [one, other] = [await bound(), await bound()];
  const heard = once(other, "message");
  one.send("hello", other.address().port, "127.0.0.1");
  const [bytes, from] = await heard;
  assert.equal(String(bytes), "hello");
  assert.equal(from.port, one.address().port);
  assert.equal(from.address, "127.0.0.1");
  one.close();
  other.close();
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: "udp4" });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
