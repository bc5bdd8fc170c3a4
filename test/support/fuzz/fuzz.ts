import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fromHex, toHex } from "../../../src/lib/bytes.ts";
import type { Random } from "../../../src/lib/random.ts";
import { shrink } from "../life/shrink.ts";
import { mutate } from "./mutate.ts";
import type { FuzzTarget } from "./targets.ts";

const root = join(import.meta.dirname, "../../fuzz/corpus");
const OCTETS_IN_A_LINE = 32;

/** An input that was not answered as it must be. */
export class FuzzError extends Error {
  readonly input: Uint8Array;

  constructor(target: FuzzTarget, input: Uint8Array, cause: unknown) {
    super(`${target.name}: ${String(cause)}\n${toHex(input)}`, { cause });
    this.input = input;
  }
}

/** The inputs that are kept for a target: samples of what is right, and whatever once went wrong. */
export function corpusOf({ name }: FuzzTarget): ReadonlyMap<string, Uint8Array> {
  const folder = join(root, name);
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return new Map(files.map((file) => [file, fromHex(readFileSync(join(folder, file), "utf8"))]));
}

/** Gives a target mutated inputs until it is enough. @throws {FuzzError} with an input as short as could be found */
export async function fuzz(target: FuzzTarget, random: Random, isEnough: (runs: number) => boolean): Promise<number> {
  const corpus = [...corpusOf(target).values()];
  let runs = 0;
  for (; !isEnough(runs); runs++) {
    const input = mutate(corpus, random);
    const error = await errorOf(target, input);
    if (error !== undefined) throw await shortest(target, input, error);
  }
  return runs;
}

/** Runs one input. @throws {FuzzError} if it is not answered as it must be */
export async function tryInput(target: FuzzTarget, input: Uint8Array): Promise<void> {
  const error = await errorOf(target, input);
  if (error !== undefined) throw new FuzzError(target, input, error);
}

/** Adds an input to the corpus. @returns the path of its file */
export function keep({ name }: FuzzTarget, input: Uint8Array): string {
  const file = join(root, name, `found-${createHash("sha256").update(input).digest("hex").slice(0, 8)}.hex`);
  mkdirSync(join(root, name), { recursive: true });
  const lines = toHex(input).match(new RegExp(`.{1,${2 * OCTETS_IN_A_LINE}}`, "g")) ?? [];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

async function errorOf(target: FuzzTarget, input: Uint8Array): Promise<unknown> {
  try {
    await target.run(input);
    return undefined;
  } catch (error) {
    return error ?? new Error("Nothing was thrown, which is odd");
  }
}

/** Only what answers at once can be shrunk; the rest is reported as it is. */
async function shortest(target: FuzzTarget, input: Uint8Array, error: unknown): Promise<FuzzError> {
  const failsAtOnce = (octets: readonly number[]): boolean => {
    try {
      // An answer that takes its time has its own errors, later: nobody must miss them.
      void Promise.resolve(target.run(Uint8Array.from(octets))).catch(() => {});
      return false;
    } catch {
      return true;
    }
  };
  if (!failsAtOnce([...input])) return new FuzzError(target, input, error);
  return new FuzzError(target, Uint8Array.from(shrink([...input], failsAtOnce)), error);
}
