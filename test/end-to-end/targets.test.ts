import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../support/child.ts";
import { startGateway } from "../support/gateway.ts";
import { needs, unless } from "../support/needs.ts";
import { packetsToClients } from "../support/relayed.ts";
import { shared, SLOW, until } from "../support/shared.ts";
import { uclient } from "../support/uclient.ts";
import manifest from "../../package.json" with { type: "json" };

const root = fileURLToPath(new URL("../..", import.meta.url));
const SYSROOT = "/usr/aarch64-linux-gnu"; // Debian's C library for arm64
const READY_MS = 60_000; // the emulator is some ten times slower
const MESSAGES = 20;
const LOADER_BYTES = 4096; // the loader's name stands in the first page of an ELF file

const emulated =
  needs("node", "npm", "qemu-aarch64", "turnutils_uclient") ||
  unless(existsSync(SYSROOT), `${SYSROOT} is not there (the package libc6-arm64-cross)`);

/**
 * Goal: the executables for other machines work there.
 *
 * Method: the one for arm64 runs in qemu's user mode, against this machine's kernel: structures that the system calls
 * read and write are arm64's. A musl system is not at hand, so of those two only that they are made for its loader.
 */
describe("executables for other machines", { skip: emulated }, () => {
  const arm64 = ["qemu-aarch64", "-L", SYSROOT, join(root, "dist/linux-arm64/icebreaker")];
  const built = shared(async () => {
    const outcome = runToEnd("node", ["tools/targets.mjs"], { cwd: root, withinMs: SLOW.timeout - 10_000 });
    return { outcome, stop: () => outcome };
  });
  const gateway = shared(async () => {
    await (await built()).outcome;
    return startGateway({ command: [...arm64, "serve"], readyMs: READY_MS, settings: { relay: { workers: 1 } } });
  });

  const loaders = {
    "linux-arm64": "/lib/ld-linux-aarch64.so.1",
    "linux-x64-musl": "/lib/ld-musl-x86_64.so.1",
    "linux-arm64-musl": "/lib/ld-musl-aarch64.so.1",
  };
  for (const [target, loader] of Object.entries(loaders)) {
    test(`${target} is built for ${loader}`, SLOW, async () => {
      const { code, stderr } = await (await built()).outcome;
      assert.equal(code, 0, stderr);
      assert.ok((await firstBytes(join(root, "dist", target, "icebreaker"))).includes(loader));
    });
  }

  test("arm64: --version", SLOW, async () => {
    await (await built()).outcome;
    const [program = "", ...args] = arm64;
    const { code, stdout, stderr } = await runToEnd(program, [...args, "--version"]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: `${manifest.version}\n` }, stderr);
  });

  test("arm64: serves both pages, with and without TLS", SLOW, async () => {
    const running = await gateway();
    const headers = { authorization: `Bearer ${running.key}` };
    for (const over of ["http", "tls"] as const) {
      for (const [method, path] of [
        ["POST", "/v1/credentials"],
        ["GET", "/api/v1/ice-servers"],
      ] as const) {
        const reply = await running.ask({ path, method, headers, over });
        assert.equal(reply.status, 200, reply.text);
      }
    }
  });

  for (const transport of ["udp", "tls"] as const) {
    test(`arm64: turnutils_uclient over ${transport}`, SLOW, async () => {
      const { ports, child } = await gateway();
      const { username, credential } = await (await gateway()).mint();
      const server = { transport, host: "127.0.0.1", port: ports[transport], username, credential };
      const { sent, received } = await uclient({ ...server, clients: 2, messages: MESSAGES });
      assert.equal(sent, 2 * MESSAGES);
      assert.ok(received > (transport === "tls" ? MESSAGES : sent - 1), `${received} of ${sent} received`);
      await until(() => packetsToClients(child.stderr(), transport) === 2 * MESSAGES, 5000, "Every message at its client");
    });
  }
});

async function firstBytes(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(LOADER_BYTES), 0, LOADER_BYTES, 0);
    return buffer.toString("latin1");
  } finally {
    await file.close();
  }
}
