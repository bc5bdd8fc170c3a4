import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../lib/time.ts";

const REFRESH_MS = 600_000;
const PAUSE_MS = 60_000;
const TIMEOUT_MS = 5000;
const MAX_OCTETS = 256 * 1024;
const MAX_KEYS = 100;

/**
 * The keys of an issuer, fetched when they are first needed, and again when they are ten minutes old or a token names
 * one that is not among them; at most once a minute whatever tokens say, and in place of an answer the last one stays.
 */
export class RemoteKeys {
  readonly #url: string;
  readonly #clock: Clock;
  #keys: JWTVerifyGetKey | undefined;
  #fetchedMs = -Infinity;
  #fetching: Promise<void> | undefined;

  constructor(url: string, clock: Clock) {
    this.#url = url;
    this.#clock = clock;
  }

  /**
   * The key that a token's header names, for {@link https://github.com/panva/jose | jose}'s `jwtVerify`.
   *
   * @throws {errors.JWKSNoMatchingKey} if the issuer has none, or could not be asked
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const age = this.#clock.now().monotonicMs - this.#fetchedMs;
    if (this.#keys === undefined) await this.#refresh();
    else if (age > REFRESH_MS) void this.#refresh();
    try {
      return await this.#lookUp(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh();
      return this.#lookUp(header, token);
    }
  };

  #lookUp: JWTVerifyGetKey = async (header, token) => {
    if (!this.#keys) throw new errors.JWKSNoMatchingKey();
    return this.#keys(header, token);
  };

  async #refresh(): Promise<void> {
    const { monotonicMs } = this.#clock.now();
    if (!this.#fetching && monotonicMs - this.#fetchedMs < PAUSE_MS) return;
    this.#fetchedMs = this.#fetching ? this.#fetchedMs : monotonicMs;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    await this.#fetching;
  }

  async #fetch(): Promise<void> {
    try {
      const response = await fetch(this.#url, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: { accept: "application/json" },
      });
      const text = await boundedBody(response);
      const set: JSONWebKeySet = JSON.parse(text);
      if (!response.ok || set.keys.length > MAX_KEYS) return;
      this.#keys = createLocalJWKSet(set);
    } catch {
      // An issuer that does not answer is no mistake of ours or the caller's; the keys known so far still count.
    }
  }
}

/** @throws {RangeError} if there is more than a set of keys can need */
async function boundedBody(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const piece of response.body ?? []) {
    octets += piece.length;
    if (octets > MAX_OCTETS) throw new RangeError("The set of keys is too long");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
