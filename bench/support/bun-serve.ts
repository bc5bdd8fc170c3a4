import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { hashApiKey } from "../../src/credentials/api-key.ts";
import { makeWorld } from "../../test/http/world.ts";

/** What a thread of the server is told. */
interface Share {
  /** 0: a free one. */
  readonly port: number;
  /** Of project_a, on every thread. */
  readonly key: string;
  readonly tls: { readonly cert: string; readonly key: string };
}

/** The API as Bun would serve it over TLS by itself, on some threads: what the shared port is measured against. A process of its own. */
if (isMainThread) await main();
else parentPort?.postMessage(serve(workerData));

async function main(): Promise<void> {
  const [certificate = "", key = "", threads = "1"] = process.argv.slice(2);
  const tls = { cert: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
  const first: Share = { port: 0, key: makeWorld().keyA, tls };
  const share = { ...first, port: serve(first) };
  const others = Array.from({ length: Number(threads) - 1 }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    return new Promise((resolve) => worker.once("message", resolve));
  });
  await Promise.all(others);
  process.stdout.write(`${JSON.stringify({ port: share.port, key: share.key })}\n`);
}

/** @returns the port */
function serve({ port, key, tls }: Share): number {
  const world = makeWorld();
  const shared = { id: "shared", project: "project_a", name: undefined, hash: hashApiKey(key), createdUnixMs: 0 };
  world.directory.admit({ keys: [shared], projects: [] });
  const fetch = (request: Request): Promise<Response> => world.app.fetch(request, { address: "127.0.0.1" });
  return Bun.serve({ hostname: "127.0.0.1", port, reusePort: true, tls, fetch }).port ?? 0;
}
