import { readFileSync } from "node:fs";
import { fromHex } from "../../src/lib/bytes.ts";

/** The octets of `test/vectors/NAME.hex`. */
export function vector(name: string): Uint8Array {
  return fromHex(readFileSync(new URL(`../vectors/${name}.hex`, import.meta.url), "utf8"));
}
