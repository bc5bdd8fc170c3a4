import assert from "node:assert/strict";
import { Arena } from "../../../src/dataplane/batch/arena.ts";
import { EBADF, openLibc } from "../../../src/dataplane/libc.ts";
import { close, openUdpListener, openWake, quieten, socketName, wake } from "../../../src/dataplane/socket.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";

/** The C library: numbers both ways, errno, and memory that both sides see at one place. */
export async function native(): Promise<void> {
  const libc = openLibc(await openRuntime());
  assert.equal(libc.listen(-1, 1), -1);
  assert.equal(libc.errno(), EBADF);

  const arena = new Arena(libc, 1 << 20);
  const descriptor = libc.eventfd(7, 0);
  assert.equal(libc.read(descriptor, arena.address + 4096, 8), 8);
  assert.equal(arena.view.getBigUint64(4096, true), 7n);
  close(libc, descriptor);

  const socket = openUdpListener(libc, parseAddress("127.0.0.1:0"));
  const second = openUdpListener(libc, socketName(libc, socket)); // they share the port
  assert.equal(socketName(libc, second).port, socketName(libc, socket).port);
  for (const opened of [socket, second]) close(libc, opened);

  const wakeful = openWake(libc);
  wake(libc, wakeful);
  quieten(libc, wakeful);
  close(libc, wakeful);
}
