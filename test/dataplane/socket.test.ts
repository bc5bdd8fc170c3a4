import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { describe, test } from "node:test";
import { EAFNOSUPPORT, openLibc, SystemError } from "../../src/dataplane/libc.ts";
import {
  assertFree,
  close,
  openRelaySocket,
  openTcpListener,
  openUdpListener,
  openWake,
  quieten,
  socketName,
  sourceTowards,
  wake,
} from "../../src/dataplane/socket.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { FailingLibc } from "../support/failing-libc.ts";
import { hasIpv6 } from "../support/udp-peer.ts";

const libc = openLibc(await openRuntime());
const descriptors = (): number => readdirSync("/proc/self/fd").length;
const codeOf = (failing: () => unknown): string => {
  try {
    failing();
  } catch (failure) {
    if (failure instanceof SystemError) return `${failure.call}: ${failure.code}`;
    throw failure;
  }
  return "no failure";
};

describe("sourceTowards", () => {
  test("towards loopback it is loopback itself", () => {
    const before = descriptors();
    assert.deepEqual(sourceTowards(libc, parseAddress("127.0.0.1:9")), parseAddress("127.0.0.1:9").ip);
    if (hasIpv6) assert.deepEqual(sourceTowards(libc, parseAddress("[::1]:9")), parseAddress("[::1]:9").ip);
    assert.equal(descriptors(), before);
  });

  for (const call of ["socket", "connect"] as const) {
    test(`nothing where ${call} says that there is no such network`, () => {
      const failing = new FailingLibc(libc);
      failing.fail(call, call === "socket" ? EAFNOSUPPORT : constants.errno.ENETUNREACH);
      assert.equal(sourceTowards(failing.libc, parseAddress("[2001:db8::1]:9")), undefined);
    });
  }
});

describe("sockets", () => {
  const openers = { openUdpListener, openTcpListener, openRelaySocket };
  for (const [name, open] of Object.entries(openers)) {
    for (const at of hasIpv6 ? ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"] : ["127.0.0.1:0", "0.0.0.0:0"]) {
      test(`${name} binds ${at} and knows its name`, () => {
        const socket = open(libc, parseAddress(at));
        const name = socketName(libc, socket);
        assert.equal(formatAddress({ ...name, port: 0 }), at);
        assert.ok(name.port > 0);
        close(libc, socket);
      });
    }

    test(`${name} says why an address cannot be bound`, () => {
      assert.equal(
        codeOf(() => open(libc, parseAddress("203.0.113.1:0"))),
        "bind: EADDRNOTAVAIL",
      );
    });

    for (const [call, errno, code] of [
      ["socket", 24, "EMFILE"],
      ["setsockopt", 105, "ENOBUFS"],
      ["bind", 13, "EACCES"],
    ] as const) {
      test(`${name} leaves nothing open when ${call} fails`, () => {
        const failing = new FailingLibc(libc);
        failing.fail(call, errno, 1);
        const before = descriptors();
        assert.equal(
          codeOf(() => open(failing.libc, parseAddress("127.0.0.1:0"))),
          `${call}: ${code}`,
        );
        assert.equal(descriptors(), before);
      });
    }
  }

  test("listeners share a port, relays do not", () => {
    const first = openUdpListener(libc, parseAddress("127.0.0.1:0"));
    const second = openUdpListener(libc, socketName(libc, first));
    assert.equal(
      codeOf(() => openRelaySocket(libc, socketName(libc, first))),
      "bind: EADDRINUSE",
    );
    assert.equal(
      codeOf(() => assertFree(libc, socketName(libc, first), "udp")),
      "bind: EADDRINUSE",
    );
    for (const socket of [first, second]) close(libc, socket);
  });

  test("assertFree notices a listening TCP socket that shares its port", () => {
    const listener = openTcpListener(libc, parseAddress("127.0.0.1:0"));
    const address = socketName(libc, listener);
    assert.equal(
      codeOf(() => assertFree(libc, address, "tcp")),
      "bind: EADDRINUSE",
    );
    close(libc, listener);
    assertFree(libc, address, "tcp");
  });

  test("an eventfd takes any number of wakes, and is quiet after one read", () => {
    const descriptor = openWake(libc);
    for (let i = 0; i < 3; i++) wake(libc, descriptor);
    quieten(libc, descriptor);
    assert.equal(libc.read(descriptor, libc.scratch.address, 8), -1);
    close(libc, descriptor);
  });
});
