import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import { openLibc } from "../../src/dataplane/libc.ts";
import { close, openTcpListener, openUdpListener, socketName } from "../../src/dataplane/socket.ts";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { ListenFailure, type Opened, openListeners, portsToTry, withoutIpv6 } from "../../src/threads/descriptors.ts";

const libc = openLibc(await openRuntime());
const US = `${readFileSync("/proc/self/comm", "utf8").trim()} (process ${process.pid})`;
const descriptors: number[] = [];
after(() => {
  for (const descriptor of descriptors) close(libc, descriptor);
});

describe("openListeners", () => {
  for (const kind of ["udp", "tcp"] as const) {
    test(`${kind}: port 0 becomes one port, shared by all threads`, () => {
      const opened = open(kind, "127.0.0.1:0", false, 3);
      const addresses = opened.listeners.map(({ address }) => formatAddress(address));
      assert.equal(addresses.length, 3);
      assert.equal(new Set(addresses).size, 1);
      assert.notEqual(opened.listeners[0]?.address.port, 0);
    });

    test(`${kind}: a port that another gateway shares is refused, although the system would share it with us too`, () => {
      const address = parseAddress("127.0.0.1:0");
      const other = kind === "udp" ? openUdpListener(libc, address) : openTcpListener(libc, address);
      descriptors.push(other);
      const taken = socketName(libc, other);
      assert.throws(() => open(kind, formatAddress(taken), false, 2), {
        name: ListenFailure.name,
        message: `listen.${kind}: cannot listen on ${formatAddress(taken)}: port ${taken.port} is in use by ${US}`,
      });
      const opened = open(kind, formatAddress(taken), true, 2);
      assert.equal(opened.refused, `port ${taken.port} is in use by ${US}`);
      const port = opened.listeners[0]?.address.port ?? 0;
      assert.ok(port > taken.port && port <= taken.port + 10, `${port}`);
    });
  }

  test("an address that is not ours is a failure that names the setting, and no other port is tried", () => {
    assert.throws(
      () => open("tls", "203.0.113.77:443", true, 1),
      /^ListenFailure: listen\.tls: .*203\.0\.113\.77:443: this host has no such address$/,
    );
  });
});

test("instead of 443 first 8443 is tried, then the ten above; instead of others the ten above", () => {
  assert.deepEqual(portsToTry(443, true).slice(0, 4), [443, 8443, 8444, 8445]);
  assert.deepEqual([portsToTry(443, true).length, portsToTry(3478, true).at(-1)], [12, 3488]);
  assert.deepEqual(portsToTry(443, false), [443]);
});

test("without IPv6 a default [::] means 0.0.0.0, and no other address changes", () => {
  assert.equal(formatAddress(withoutIpv6(parseAddress("[::]:3478"))), "0.0.0.0:3478");
  assert.equal(formatAddress(withoutIpv6(parseAddress("[::1]:3478"))), "[::1]:3478");
});

function open(kind: Opened["kind"], address: string, replaceable: boolean, threads: number): Opened {
  const opened = openListeners(libc, { kind, address: parseAddress(address), replaceable, threads });
  descriptors.push(...opened.listeners.map(({ descriptor }) => descriptor));
  return opened;
}
