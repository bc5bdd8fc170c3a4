import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { formatAddress, type TransportAddress } from "../net/address.ts";
import { parseIp } from "../net/ip.ts";

/** More than any answer of the API. */
const MAX_ANSWER_OCTETS = 65_536;
const TIMEOUT_MS = 10_000;

/** One URL, and the pair that goes with it; none with STUN alone. */
export interface IceTarget {
  readonly url: string;
  readonly credentials: { readonly username: string; readonly credential: string } | undefined;
}

/** Whom to ask for credentials. */
export interface MintRequest {
  /** Where the API is: `https://relay.example.com`. */
  readonly base: string;
  /** An API key. */
  readonly key: string;
  /** Certificate authorities as PEM, instead of the system's. */
  readonly ca?: string | undefined;
  /** What this machine takes for the time. */
  readonly nowUnixMs: number;
}

/** What came of it. */
export interface Minted {
  readonly targets: readonly IceTarget[];
  readonly aheadMs: number | undefined;
}

/** The base URL of an API that listens here without TLS. */
export function plainBase({ ip, port }: TransportAddress): string {
  const anywhere = ip.octets.every((octet) => octet === 0);
  const host = anywhere ? parseIp(ip.family === 4 ? "127.0.0.1" : "::1") : ip;
  return `http://${formatAddress({ ip: host, port })}`;
}

/**
 * `POST /v1/credentials`, as a back end asks.
 *
 * @returns every URL of the answer, and by how much the API's clock is ahead of ours, if it tells
 * @throws {Error} if there is no answer, or it is none of credentials
 */
export async function requestMint({ base, key, ca, nowUnixMs }: MintRequest): Promise<Minted> {
  const url = new URL("/v1/credentials", base);
  const { status, text, date } = await post(url, { authorization: `Bearer ${key}`, "content-type": "application/json" }, ca);
  const answer = asObject(parseJson(text));
  if (status !== 200) {
    const why = typeof answer.detail === "string" ? answer.detail : "without saying why";
    throw new Error(`${url.origin} answered ${status} to POST ${url.pathname}: ${why}`);
  }
  if (!Array.isArray(answer.iceServers)) throw new Error(`${url.origin} answered without iceServers`);
  const targets = answer.iceServers.flatMap((server: unknown) => targetsOf(asObject(server)));
  const aheadMs = date === undefined ? undefined : Date.parse(date) - nowUnixMs;
  return { targets, aheadMs: Number.isNaN(aheadMs) ? undefined : aheadMs };
}

/** What one entry of `iceServers` offers. */
export function targetsOf(server: Readonly<Record<string, unknown>>): IceTarget[] {
  const { urls, username, credential } = server;
  const texts = (Array.isArray(urls) ? urls : [urls]).filter((url) => typeof url === "string");
  const known = typeof username === "string" && typeof credential === "string";
  return texts.map((url) => ({ url, credentials: known ? { username, credential } : undefined }));
}

function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  ca: string | undefined,
): Promise<{ readonly status: number; readonly text: string; readonly date: string | undefined }> {
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new Error(`${url.href} is neither http: nor https:`);
  return new Promise((resolve, reject) => {
    const options = { method: "POST", headers: { connection: "close", ...headers }, agent: false };
    const request =
      url.protocol === "http:" ? requestHttp(url, options) : requestHttps(url, ca === undefined ? options : { ...options, ca });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`${url.origin} did not answer within ${TIMEOUT_MS} ms`)));
    request.on("error", (error) => reject(new Error(`${url.origin}: ${error.message}`)));
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
        if (text.length > MAX_ANSWER_OCTETS) request.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text, date: response.headers.date }));
    });
    request.end("{}");
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
