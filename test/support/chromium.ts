import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { runToEnd } from "./child.ts";
import { pathOf } from "./needs.ts";

/** Only what a test asks for, on loopback alone. */
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...[
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
  ],
];
/** A secure context, so that the page has `crypto.subtle`; answered by the harness, no server listens there. */
const PAGE = "http://localhost/call";
const TEXTS = "Object.fromEntries([...document.querySelectorAll('[id]')].map(({ id, textContent }) => [id, textContent]))";

/** One entry of an answer of the API. */
export interface IceServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** The candidate pair that a peer connection uses, as getStats tells. */
export interface SelectedPair {
  readonly local: { readonly type: string; readonly relayProtocol?: string; readonly url?: string; readonly address: string };
  readonly remote: { readonly type: string; readonly address: string };
  readonly roundTripMs: number;
}

/** How a call between two peer connections of one page went. */
export interface CallReport {
  readonly openMs: number;
  readonly toFar: { readonly octets: number; readonly intact: boolean };
  readonly toNear: { readonly octets: number; readonly intact: boolean };
  readonly framesDecoded: number;
  readonly near: SelectedPair;
  readonly far: SelectedPair;
  readonly errors: readonly CandidateError[];
}

/** An `icecandidateerror`. */
export interface CandidateError {
  readonly url: string;
  readonly errorCode: number;
  readonly errorText: string;
}

/** What a peer connection gathered. */
export interface GatherReport {
  readonly candidates: readonly { readonly type: string; readonly relayProtocol?: string; readonly address: string }[];
  readonly errors: readonly CandidateError[];
}

/** What a call must carry. */
export interface CallWishes {
  readonly iceServers: readonly IceServer[];
  /** Over the data channel, each way. */
  readonly octets: number;
  /** More frames than this must be decoded on the far side. */
  readonly frames: number;
  readonly withinMs: number;
}

/** A headless Chromium that trusts a test's certificate authority. */
export interface Chromium {
  /** A call, both ends with `iceTransportPolicy: "relay"`. @throws {Error} if it does not come about in time */
  call(wishes: CallWishes): Promise<CallReport>;
  /** The candidates for some servers. */
  gather(wishes: {
    readonly iceServers: readonly IceServer[];
    readonly iceTransportPolicy: "all" | "relay";
    readonly withinMs: number;
  }): Promise<GatherReport>;
  /** Opens a page of somebody's own; `read` tells the text of each of its elements that has an id. */
  watch<T>(url: string, use: (read: () => Promise<Readonly<Record<string, string>>>) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/**
 * Starts Chromium in a home of its own.
 *
 * @param authorityFile the PEM file of the certificate authority to trust
 * @param hosts names and the addresses that they shall resolve to
 */
export async function startChromium(authorityFile: string, hosts: Readonly<Record<string, string>> = {}): Promise<Chromium> {
  const home = await mkdtemp(join(tmpdir(), "icebreaker-chromium-"));
  const database = join(home, ".pki", "nssdb");
  await mkdir(database, { recursive: true });
  for (const args of [
    ["-N", "--empty-password", "-d", `sql:${database}`],
    ["-A", "-t", "C,,", "-n", "test authority", "-i", authorityFile, "-d", `sql:${database}`],
  ]) {
    const { code, stderr } = await runToEnd("certutil", args);
    if (code !== 0) throw new Error(`certutil ${args.join(" ")}: ${stderr}`);
  }
  // Chromium looks TURN hosts up with and without the final dot.
  const rules = Object.entries(hosts).flatMap(([name, address]) => [`MAP ${name} ${address}`, `MAP ${name}. ${address}`]);
  const context = await chromium.launchPersistentContext(join(home, "profile"), {
    executablePath: pathOf("chromium") ?? "chromium",
    headless: true,
    args: [...FLAGS, ...(rules.length === 0 ? [] : [`--host-resolver-rules=${rules.join(",")}`])],
    env: { ...definedOf(process.env), HOME: home },
  });
  return {
    call: (wishes) => inPage(context, (page) => page.evaluate<CallReport>(`call(${JSON.stringify(wishes)})`)),
    gather: (wishes) => inPage(context, (page) => page.evaluate<GatherReport>(`gather(${JSON.stringify(wishes)})`)),
    async watch(url, use) {
      const page = await context.newPage();
      try {
        await page.goto(url);
        return await use(() => page.evaluate<Record<string, string>>(TEXTS));
      } finally {
        await page.close();
      }
    },
    async stop() {
      await context.close();
      await rm(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** A fresh page with the functions of `call-page.mjs`, closed again afterwards. */
async function inPage<T>(context: BrowserContext, use: (page: Page) => Promise<T>): Promise<T> {
  const script = await readFile(new URL("call-page.mjs", import.meta.url), "utf8");
  const page = await context.newPage();
  try {
    await page.route(PAGE, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>A call</title>" }));
    await page.goto(PAGE);
    await page.addScriptTag({ content: script });
    return await use(page);
  } finally {
    await page.close();
  }
}

function definedOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
