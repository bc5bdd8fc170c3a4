import assert from "node:assert/strict";
import { createServer } from "node:net";
import { platform } from "node:os";
import { describe, test } from "node:test";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { openLibc } from "../../src/dataplane/libc.ts";
import { openTcpListener } from "../../src/dataplane/socket.ts";
import { Certificates } from "../../src/edge/certificates.ts";
import { readProxyHeader, writeProxyHeader } from "../../src/edge/proxy-header.ts";
import { concat, fromHex, toHex, writeUint16 } from "../../src/lib/bytes.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { parseCidr } from "../../src/net/cidr.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { before, bindingAnswer, bindingRequest, EdgeWorld, tlsClient } from "./edge-world.ts";
import { localhostCertificates, portOf, TestClient, until } from "./support.ts";

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** What the client sends must be answered by the door it is for. */
async function speaks(client: TestClient, door: "turn" | "http", number = 7): Promise<void> {
  if (door === "turn") {
    client.socket.write(bindingRequest(number));
    await until(() => client.received.length >= 20, "a Binding answer");
    assert.equal(toHex(client.received), toHex(bindingAnswer(number)));
  } else {
    client.socket.write(get(`/${number}`));
    await until(() => client.text.endsWith(`\r\n\r\n/${number}`), "an HTTP answer");
    assert.match(client.text, /^HTTP\/1\.1 200 /);
  }
  client.socket.destroy();
}

describe("a TLS listener", () => {
  const offers = [
    { offered: ["stun.turn"], chosen: "stun.turn", door: "turn" },
    { offered: ["stun.nat-discovery"], chosen: "stun.nat-discovery", door: "turn" },
    { offered: ["http/1.1"], chosen: "http/1.1", door: "http" },
    { offered: ["h2", "http/1.1"], chosen: "http/1.1", door: "http" },
    { offered: undefined, chosen: false, door: "http" },
    { offered: undefined, chosen: false, door: "turn" },
  ] as const;
  for (const { offered, chosen, door } of offers) {
    test(`${offered?.join() ?? "no ALPN"} and what it means lead to ${door}`, () =>
      EdgeWorld.run({}, async (world) => {
        const client = await world.tls(offered && { ALPNProtocols: [...offered] });
        if (chosen !== false) assert.equal(alpnOf(client), chosen);
        await speaks(client, door);
        assert.match(world.seen.join(), new RegExp(`^${door} 127\\.0\\.0\\.1:`));
      }));
  }

  test("RFC 7301 §3.2: no protocol in common is no_application_protocol", () =>
    EdgeWorld.run({}, async (world) => {
      await assert.rejects(world.tls({ ALPNProtocols: ["h2"] }), /no.?application.?protocol/i);
      await until(() => world.admission.connections === 0, "the connection is gone");
    }));

  test("the handshake is TLS 1.2 at least", () =>
    EdgeWorld.run({}, async (world) => {
      await assert.rejects(world.tls({ minVersion: "TLSv1", maxVersion: "TLSv1.1" }));
      const client = await world.tls({ maxVersion: "TLSv1.2" });
      await speaks(client, "turn");
    }));

  test("a client that ends its request is still answered", () =>
    EdgeWorld.run({}, async (world) => {
      const client = await world.tls({ ALPNProtocols: ["http/1.1"], allowHalfOpen: true });
      client.socket.end(get("/half").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      await until(() => client.text.endsWith("/half"), "the answer");
      await until(() => world.admission.connections === 0, "the close");
    }));

  const cuts = [
    { name: "one octet a segment", cut: (first: Uint8Array) => Array.from(first, (octet) => Uint8Array.of(octet)) },
    { name: "two records in one segment", cut: (first: Uint8Array) => [concat(...inTwoRecords(first))] },
    { name: "two records, two segments", cut: inTwoRecords },
  ];
  for (const { name, cut } of cuts) {
    test(`takes a ClientHello in ${name}`, () =>
      EdgeWorld.run({}, async (world) => {
        const { port, server } = await before(world.port, cut);
        await speaks(await tlsClient(port, { ALPNProtocols: ["stun.turn"] }), "turn");
        await speaks(await tlsClient(port), "http");
        server.close();
      }));
  }

  test("waits for eight octets, however they come, and loses none", () =>
    EdgeWorld.run({}, async (world) => {
      const request = bindingRequest(3);
      for (let place = 1; place < request.length; place += 2) {
        const client = await world.tls();
        client.socket.write(request.subarray(0, place));
        await new Promise((resolve) => setTimeout(resolve, 2));
        client.socket.write(request.subarray(place));
        await until(() => client.received.length >= 20, `an answer, cut at ${place}`);
        client.socket.destroy();
      }
      const slow = await world.tls();
      await slow.trickle(new TextEncoder().encode(get("/slow")));
      await until(() => slow.text.endsWith("/slow"), "an HTTP answer");
      slow.socket.destroy();
    }));

  test("300 connections at once, web and TURN, with and without ALPN: none misrouted", () =>
    EdgeWorld.run({}, async (world) => {
      const one = async (number: number): Promise<void> => {
        const door = number % 2 === 0 ? "turn" : "http";
        const protocol = door === "turn" ? "stun.turn" : "http/1.1";
        await speaks(await world.tls(number % 3 === 0 ? {} : { ALPNProtocols: [protocol] }), door, number);
      };
      for (let batch = 0; batch < 300; batch += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => one(batch + i)));
      await until(() => world.admission.connections === 0, "all are gone", 10_000);
      assert.equal(world.turnClosed.length, 150);
    }));

  test("a new certificate is for new connections, open ones live on", () =>
    EdgeWorld.run({}, async (world) => {
      const open = await world.tls({ ALPNProtocols: ["stun.turn"] });
      const before = fingerprintOf(open);
      assert.equal(world.certificates.load(Certificates.selfSigned(["localhost"], Date.now()), Date.now()).kind, "taken");
      const fresh = await world.tls({ ALPNProtocols: ["stun.turn"] });
      assert.notEqual(fingerprintOf(fresh), before);
      await assert.rejects(world.tls({ ALPNProtocols: ["h2"] }));
      await assert.rejects(world.tls({ minVersion: "TLSv1", maxVersion: "TLSv1.1" }));
      await speaks(open, "turn", 1);
      await speaks(fresh, "turn", 2);
    }));

  test("a name of a neighbour's goes through untouched, with a PROXY header if it wants one", async () => {
    const neighbour = createTlsServer(localhostCertificates().contextOptions, (socket) => socket.end("the neighbour"));
    const heads: Uint8Array[] = [];
    const counter = createServer((raw) => {
      raw.once("readable", () => {
        const first: unknown = raw.read();
        assert.ok(first instanceof Uint8Array);
        const header = readProxyHeader(first);
        const length = typeof header === "object" ? header.length : 0;
        heads.push(first.subarray(0, length));
        raw.unshift(first.subarray(length));
        neighbour.emit("connection", raw);
      });
    });
    const address = parseAddress(`127.0.0.1:${await portOf(counter)}`);
    const neighbourFor = (name: string) =>
      name === "www.example.com" || name === "proxied.example.com"
        ? { address, proxyHeader: name.startsWith("proxied") }
        : undefined;
    await EdgeWorld.run({ neighbourFor }, async (world) => {
      for (const servername of ["www.example.com", "proxied.example.com"]) {
        const client = await world.tls({ servername });
        await until(() => client.text === "the neighbour", "the neighbour's words");
        client.socket.end();
        await until(() => world.admission.connections === 0, "the close");
        if (servername.startsWith("www")) continue;
        const header = readProxyHeader(heads[1] ?? fromHex(""));
        assert.ok(typeof header === "object" && header.ends);
        assert.equal(formatAddress(header.ends.server), `127.0.0.1:${world.port}`);
      }
      assert.equal(heads[0]?.length, 0);
      await speaks(await world.tls(), "turn");
    });
    counter.close();
  });
});

describe("a listener", () => {
  test("TCP is for STUN and TURN alone", () =>
    EdgeWorld.run({ kind: "tcp" }, async (world) => {
      await speaks(await TestClient.tcp(world.port), "turn");
      const slow = await TestClient.tcp(world.port);
      await slow.trickle(bindingRequest(4));
      await until(() => slow.received.length === 20, "a Binding answer");
      slow.socket.destroy();
      const web = await TestClient.tcp(world.port);
      web.socket.write(get("/"));
      await until(() => web.ended, "the end");
      assert.match(web.text, /^HTTP\/1\.1 400 Bad Request\r\n/);
      assert.equal(world.seen.filter((door) => door.startsWith("http")).length, 0);
      web.socket.end();
      await until(() => world.admission.connections === 0, "all are gone");
    }));

  for (const kind of ["tcp", "tls"] as const) {
    test(`behind a balancer, ${kind} knows the client by its PROXY header`, () =>
      EdgeWorld.run({ kind, proxyProtocol: [parseCidr("127.0.0.0/8")] }, async (world) => {
        const header = writeProxyHeader(parseAddress("198.51.100.9:5555"), parseAddress("192.0.2.1:443"));
        for (const place of [0, 1, 12, 16, header.length]) {
          const { port, server } = await before(world.port, (first) => {
            return [header.subarray(0, place), concat(header.subarray(place), first)];
          });
          const client = kind === "tls" ? await tlsClient(port) : await TestClient.tcp(port);
          await speaks(client, "turn");
          server.close();
        }
        assert.deepEqual(new Set(world.seen), new Set(["turn 198.51.100.9:5555"]));
        const liar = await TestClient.tcp(world.port);
        liar.socket.write("no header");
        await until(() => liar.closed, "the close");
      }));
  }

  test("adopts a listening descriptor", { skip: platform() !== "linux" }, async () => {
    const libc = openLibc(await openRuntime());
    const descriptor = openTcpListener(libc, parseAddress("127.0.0.1:0"));
    await EdgeWorld.run({ descriptor }, async (world) => {
      assert.ok(world.port > 0);
      await speaks(await world.tls(), "turn");
    });
  });

  test("says why it cannot listen", async () => {
    const taken = createServer();
    const port = await portOf(taken);
    const world = new EdgeWorld({ address: parseAddress(`127.0.0.1:${port}`) });
    await assert.rejects(world.listen(), { code: "EADDRINUSE" });
    taken.close();
  });
});

function alpnOf({ socket }: TestClient): unknown {
  return Reflect.get(socket, "alpnProtocol");
}

function fingerprintOf({ socket }: TestClient): string {
  const isTls = (candidate: object): candidate is TLSSocket => "getPeerCertificate" in candidate;
  assert.ok(isTls(socket));
  return socket.getPeerCertificate().fingerprint256;
}

/** The first record's handshake octets over two records. */
function inTwoRecords(first: Uint8Array): Uint8Array[] {
  const fragment = first.subarray(5);
  return [fragment.subarray(0, 40), fragment.subarray(40)].map((part) => {
    const length = new Uint8Array(2);
    writeUint16(length, 0, part.length);
    return concat(first.subarray(0, 3), length, part);
  });
}
