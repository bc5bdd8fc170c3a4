import { createHash } from "node:crypto";
import type { Random } from "../lib/random.ts";
import { Secret } from "../lib/secret.ts";

const PREFIX = "ibk_";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH = 40; // 40 characters of 62 hold 238 bits
const API_KEY = /^ibk_[0-9A-Za-z]{40}$/;
const API_KEYS = /ibk_[0-9A-Za-z]{40}/g;

/**
 * Makes an API key: `ibk_` and 40 letters and digits.
 *
 * @returns its text, to be shown once, and the hash that is kept of it
 */
export function makeApiKey(random: Random): { readonly text: Secret; readonly hash: string } {
  let text = PREFIX;
  for (let i = 0; i < LENGTH; i++) text += ALPHABET[random.below(ALPHABET.length)];
  return { text: new Secret(text), hash: hashApiKey(text) };
}

/** What the database keeps of a key: SHA-256 of its text, in hexadecimal. The text has entropy enough to need no salt. */
export function hashApiKey(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Whether a text has the form of an API key. */
export function isApiKey(text: string): boolean {
  return API_KEY.test(text);
}

/** A text with no API key left in it: people type them where an id belongs. */
export function withoutApiKeys(text: string): string {
  return text.replace(API_KEYS, `${PREFIX}***`);
}

/** Whether a bearer means to be an API key, well-formed or not: the prefix tells it from a JWT. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(PREFIX);
}
