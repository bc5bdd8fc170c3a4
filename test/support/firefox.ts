import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser } from "puppeteer-core";
import type { CallReport, CallWishes } from "./chromium.ts";
import { runToEnd } from "./child.ts";
import { pathOf } from "./needs.ts";

/** A headless Firefox that trusts a test's certificate authority. */
export interface Firefox {
  /** A call, both ends with `iceTransportPolicy: "relay"`. @throws {Error} if it does not come about in time */
  call(wishes: CallWishes): Promise<CallReport>;
  stop(): Promise<void>;
}

/**
 * Starts Firefox in a home and a profile of its own, led over WebDriver BiDi.
 *
 * @param authorityFile the PEM file of the certificate authority to trust
 * @param hosts names that shall resolve to this machine
 */
export async function startFirefox(authorityFile: string, hosts: readonly string[]): Promise<Firefox> {
  const home = await mkdtemp(join(tmpdir(), "icebreaker-firefox-"));
  const profile = join(home, "profile");
  await mkdir(profile);
  await trust(authorityFile, profile);
  const [page, browser] = await Promise.all([servePage(), launch(home, profile, hosts)]);
  return {
    call: (wishes) => callInPage(browser, page, wishes),
    async stop() {
      await browser.close();
      await new Promise((resolve) => page.close(resolve));
      await rm(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Firefox reads no system store but its profile's. */
async function trust(authorityFile: string, profile: string): Promise<void> {
  for (const args of [
    ["-N", "--empty-password", "-d", `sql:${profile}`],
    ["-A", "-t", "C,,", "-n", "test authority", "-i", authorityFile, "-d", `sql:${profile}`],
  ]) {
    const { code, stderr } = await runToEnd("certutil", args);
    if (code !== 0) throw new Error(`certutil ${args.join(" ")}: ${stderr}`);
  }
}

function launch(home: string, profile: string, hosts: readonly string[]): Promise<Browser> {
  return puppeteer.launch({
    browser: "firefox",
    executablePath: pathOf("firefox") ?? "firefox",
    headless: true,
    userDataDir: profile,
    env: { ...process.env, HOME: home },
    extraPrefsFirefox: { "media.peerconnection.ice.loopback": true, "network.dns.localDomains": hosts.join(",") },
  });
}

/** A page of this machine, which is a secure context, so that it has `crypto.subtle`. */
async function servePage(): Promise<Server> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>A call</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** A fresh page with the functions of `call-page.mjs`, closed again afterwards. */
async function callInPage(browser: Browser, server: Server, wishes: CallWishes): Promise<CallReport> {
  const script = await readFile(new URL("call-page.mjs", import.meta.url), "utf8");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The page is not served");
  const page = await browser.newPage();
  try {
    await page.goto(`http://127.0.0.1:${address.port}/`);
    await page.evaluate(script);
    const report: unknown = await page.evaluate(`call(${JSON.stringify(wishes)})`);
    return report as CallReport;
  } finally {
    await page.close();
  }
}
