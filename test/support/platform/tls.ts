import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcpServer, type Socket } from "node:net";
import { connect, createSecureContext, createServer, type TLSSocket } from "node:tls";
import { selfSigned } from "../../../src/edge/self-signed.ts";
import { portOf } from "./port-of.ts";

/** TLS with ALPN on a socket that somebody else accepted, and a certificate that changes under living connections. */
export async function tls(): Promise<void> {
  const [before, after] = [selfSigned(["before.test"], Date.now()), selfSigned(["after.test"], Date.now())];
  const inner = createServer({ ...pair(before), ALPNProtocols: ["stun.turn", "http/1.1"] });
  inner.on("secureConnection", (socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => socket.write(bytes));
  });
  inner.on("tlsClientError", (_error, socket) => socket.destroy());
  const outer = createTcpServer((raw: Socket) => inner.emit("connection", raw));
  outer.listen(0, "127.0.0.1");
  await once(outer, "listening");

  const port = portOf(outer);
  const old = await client(port, ["stun.turn"]);
  assert.equal(old.alpnProtocol, "stun.turn");
  assert.equal(old.getPeerCertificate().subject.CN, "before.test");
  const plain = await client(port, []);
  assert.equal(plain.alpnProtocol, false);
  await assert.rejects(client(port, ["h2"]));

  createSecureContext(pair(after));
  inner.setSecureContext(pair(after));
  const fresh = await client(port, ["http/1.1"]);
  assert.equal(fresh.alpnProtocol, "http/1.1");
  assert.equal(fresh.getPeerCertificate().subject.CN, "after.test");
  for (const socket of [old, plain, fresh]) {
    socket.write("echo");
    const [bytes] = await once(socket, "data");
    assert.equal(String(bytes), "echo");
    socket.destroy();
  }
  outer.close();
}

function pair({ certificate, key }: ReturnType<typeof selfSigned>): { cert: string; key: string } {
  return { cert: certificate, key };
}

async function client(port: number, protocols: string[]): Promise<TLSSocket> {
  const alpn = protocols.length > 0 ? { ALPNProtocols: protocols } : {};
  const socket = connect({ port, host: "127.0.0.1", servername: "before.test", rejectUnauthorized: false, ...alpn });
  await once(socket, "secureConnect");
  return socket;
}
