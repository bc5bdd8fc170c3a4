import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Child, runToEnd, startChild } from "../support/child.ts";
import { startChromium } from "../support/chromium.ts";
import { type Gateway, HOSTNAME, startGateway } from "../support/gateway.ts";
import { askHttp, type HttpReply } from "../support/https-client.ts";
import { needs, pathOf } from "../support/needs.ts";
import { shared, SLOW, UNHURRIED, until } from "../support/shared.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const examples = join(root, "examples");
const START_MS = 10_000;
const node = pathOf("node") ?? process.execPath;

describe("examples", () => {
  const gateway = shared(() => startGateway());

  const backEnds = [
    { name: "backend-node", command: node, file: "server.mjs", needed: [] },
    { name: "backend-python", command: pathOf("python3") ?? "python3", file: "server.py", needed: ["python3"] },
  ];
  for (const { name, command, file, needed } of backEnds) {
    describe(name, { skip: needs(...needed) }, () => {
      test("gives whoever is logged in ICE servers with a label, and nothing else", UNHURRIED, async () => {
        await serving(await gateway(), command, join(examples, name, file), {}, async (url) => {
          assertIce(await askUrl(url, { cookie: "theme=dark; user=ann" }), "ann");
          assert.equal((await askUrl(url)).status, 401);
          assert.equal((await askUrl(url, { cookie: "user=<ann>" })).status, 401);
          assert.equal((await askUrl(`${url}/..`)).status, 404);
        });
      });

      test("keeps the relay's reasons to itself", UNHURRIED, async () => {
        await serving(await gateway(), command, join(examples, name, file), { RELAY_KEY: "ibk_wrong" }, async (url, child) => {
          const { status, text } = await askUrl(url, { cookie: "user=ann" });
          assert.deepEqual({ status, body: JSON.parse(text) }, { status: 502, body: { error: "no relay now" } });
          await child.says(/The relay said unauthorized/, START_MS);
        });
      });
    });
  }

  describe("backend-curl", { skip: needs("bash", "curl", "jq") }, () => {
    const script = join(examples, "backend-curl", "ice.sh");

    test("prints ICE servers with a label, and nothing else", UNHURRIED, async () => {
      const { code, stdout, stderr } = await runToEnd(script, ["ann"], { env: environmentFor(await gateway()) });
      assert.equal(code, 0, stderr);
      assertIce({ status: 200, text: stdout }, "ann");
    });

    test("says on stderr why there are none", UNHURRIED, async () => {
      const { code, stdout, stderr } = await runToEnd(script, ["<ann>"], { env: environmentFor(await gateway()) });
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
      assert.match(stderr, /The relay said invalid_label/);
    });
  });

  test("typed-client: what the compiler knows is what the gateway says", UNHURRIED, async () => {
    const running = await gateway();
    const { ports, key } = running;
    const folder = await typedClient((await running.ask({ path: "/openapi.json" })).text);
    try {
      await writeFile(
        join(folder, "wrong.ts"),
        `import { relayClient } from "./ice.ts";\nvoid relayClient("", "").POST("/v1/credentials", { body: { ttl: "soon" } });\n`,
      );
      const { code, stdout } = await runToEnd(join(root, "node_modules/.bin/tsc"), ["-p", folder]);
      assert.match(stdout, /^[^\n]*wrong\.ts\(2,\d+\): error TS2322[^\n]*string[^\n]*number[^\n]*\n?$/);
      assert.notEqual(code, 0);

      const { iceFor, relayClient } = await import(pathToFileURL(join(folder, "ice.ts")).href);
      const ice = await iceFor(relayClient(`http://127.0.0.1:${ports.http}`, key), "ann");
      assertIce({ status: 200, text: JSON.stringify(ice) }, "ann");
      const refused = iceFor(relayClient(`http://127.0.0.1:${ports.http}`, "ibk_wrong"), "ann");
      await assert.rejects(refused, /The relay said unauthorized/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("README.md asks one question for each folder", async () => {
    const text = await readFile(join(examples, "README.md"), "utf8");
    const asked = [...text.matchAll(/^\| [^|]+\? \| \[([\w-]+)\]\(\1\) \|/gm)].map(([, folder]) => folder);
    const entries = await readdir(examples, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    assert.deepEqual(asked.toSorted(), folders.toSorted());
  });
});

/**
 * Goal: a call goes on over new credentials.
 *
 * Method: a gateway that cuts an allocation when its credential expires, and credentials of a few seconds. Whoever still talks
 * after more than two lifetimes does so over allocations of newer credentials. Numbers go round at twenty a second all
 * the while, and each must come back in order.
 */
describe("browser-refresh", { skip: needs("chromium", "certutil") }, () => {
  const TTL = 8;
  const gateway = shared(() => startGateway({ settings: { credentials: { on_expiry: "cut" } } }));
  const browser = shared(async () => startChromium((await gateway()).authority.file, { [HOSTNAME]: "127.0.0.1" }));

  test("goes on over the new credential, and nothing is lost", SLOW, async () => {
    const running = await gateway();
    const page = join(examples, "browser-refresh", "serve.mjs");
    await serving(running, node, page, { TTL: `${TTL}` }, async (url) => {
      await (await browser()).watch(url, async (read) => {
        const now = async (): Promise<Shown> => shownIn(await read());
        await until(async () => (await now()).back > 20, 20_000, "The call");
        const before = await now();
        assert.match(before.relay, /^relay 127\.0\.0\.1:\d+$/);

        await until(
          async () => (await now()).fresh >= 2 && (await now()).relay !== before.relay,
          2 * TTL * 1000,
          "Another relay",
        );
        const during = await now();
        assert.ok(during.back > before.back + 20, "Nothing came while the credentials changed");

        const ended = (): number => [...running.child.stderr().matchAll(/"reason":"expired"/g)].length;
        await until(() => ended() >= 2, 2 * TTL * 1000, "The end of the first credentials' allocations");
        const later = await now();
        await until(async () => (await now()).back > later.back + 100, 10_000, "The call, without its first allocations");
        const { sent, back, longestPauseMs, relay } = await now();
        assert.match(relay, /^relay 127\.0\.0\.1:\d+$/);
        assert.ok(sent - back < 20, `${sent} sent, ${back} back in order`);
        assert.ok(longestPauseMs < 2000, `Nothing came for ${longestPauseMs} ms`);
      });
    });
  });
});

/** What the page shows. */
interface Shown {
  readonly sent: number;
  readonly back: number;
  readonly longestPauseMs: number;
  readonly fresh: number;
  readonly relay: string;
}

function shownIn(texts: Readonly<Record<string, string>>): Shown {
  const number = (name: string): number => Number(texts[name] ?? "");
  return {
    sent: number("sent"),
    back: number("back"),
    longestPauseMs: number("longestPauseMs"),
    fresh: number("fresh"),
    relay: texts.relay ?? "",
  };
}

function environmentFor({ ports, key }: Gateway): NodeJS.ProcessEnv {
  return { ...process.env, RELAY_API: `http://127.0.0.1:${ports.http}`, RELAY_KEY: key, PORT: "0" };
}

/** Runs one of the example servers for as long as it is used. */
async function serving(
  gateway: Gateway,
  command: string,
  file: string,
  env: NodeJS.ProcessEnv,
  use: (url: string, child: Child) => Promise<void>,
): Promise<void> {
  const child = startChild(command, [file], { ...environmentFor(gateway), ...env });
  try {
    const [url] = await child.says(/http:\/\/127\.0\.0\.1:\d+\/\S*/, START_MS);
    await use(url, child);
  } finally {
    await child.stop();
  }
}

function askUrl(url: string, headers: Record<string, string> = {}): Promise<HttpReply> {
  const { hostname, port } = new URL(url);
  return askHttp({ host: hostname, port: Number(port), path: url.slice(url.indexOf("/", "http://".length)), headers });
}

/** Only the part for the browser, with the user's label in the username. */
function assertIce({ status, text }: Pick<HttpReply, "status" | "text">, user: string): void {
  assert.equal(status, 200, text);
  const { iceServers, ttl, ...rest } = JSON.parse(text);
  assert.deepEqual({ rest, ttl }, { rest: {}, ttl: 3600 });
  assert.match(iceServers[0].username, new RegExp(`^\\d+:project_\\w+:${user}$`));
  assert.equal(iceServers[0].urls.length, 4);
}

/** The example beside the types that the generator makes of a document; within the repository, whose packages it uses. */
async function typedClient(document: string): Promise<string> {
  await mkdir(join(root, "dist"), { recursive: true });
  const folder = await mkdtemp(join(root, "dist", "typed-client-"));
  await cp(join(examples, "typed-client"), folder, { recursive: true });
  await writeFile(join(folder, "openapi.json"), document);
  const generator = join(root, "node_modules/.bin/openapi-typescript");
  const made = await runToEnd(generator, [join(folder, "openapi.json"), "--output", join(folder, "api.d.ts")]);
  assert.equal(made.code, 0, made.stderr);
  return folder;
}
