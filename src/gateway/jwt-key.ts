import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { systemFiles, whyUnreadable } from "../config/files.ts";
import type { Settings } from "../config/schema.ts";
import { StartFailure } from "./state-directory.ts";

/**
 * The text of `auth.jwt.public_key`'s file; `undefined` where none is named.
 *
 * @throws {StartFailure} if it cannot be read, or holds no public key
 */
export async function jwtPublicKey({ auth }: Settings): Promise<string | undefined> {
  const path = auth.jwt?.public_key;
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new StartFailure(`auth.jwt.public_key: ${path} ${whyUnreadable(systemFiles, path, error)}`);
  }
  try {
    createPublicKey(text);
    return text;
  } catch {
    throw new StartFailure(`auth.jwt.public_key: ${path} holds no public key in PEM`);
  }
}
