import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { openLibc } from "../../../src/dataplane/libc.ts";
import { openTcpListener, socketName } from "../../../src/dataplane/socket.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";

/** HTTP on a socket that was accepted elsewhere, with octets already read, on a listening descriptor opened elsewhere. */
export async function http(): Promise<void> {
  const server = createServer((request, response) => response.end(`${request.method} ${request.url}`));
  const door = createTcpServer((socket) => {
    const peek = (): void => {
      const head = socket.read();
      if (head === null) return;
      socket.off("readable", peek);
      socket.unshift(head);
      server.emit("connection", socket);
    };
    socket.on("readable", peek);
  });
  const libc = openLibc(await openRuntime());
  const descriptor = openTcpListener(libc, parseAddress("127.0.0.1:0"));
  const { port } = socketName(libc, descriptor);
  door.listen({ fd: descriptor });
  await once(door, "listening");

  const client = connect({ port, host: "127.0.0.1" });
  let said = "";
  client.on("data", (bytes) => {
    said += String(bytes);
  });
  client.write(
    "GET /one HTTP/1.1\r\nHost: x\r\n\r\nPOST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
  );
  await once(client, "end");
  assert.match(said, /GET \/one[\s\S]*POST \/two/);
  client.destroy();
  door.close();
}
