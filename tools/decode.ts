/** `npm run decode -- 000100002112a442…`: a STUN message or ChannelData in words, from hexadecimal or base64, given or on stdin. */
import { readFileSync } from "node:fs";
import { fromHex } from "../src/lib/bytes.ts";
import { dump } from "../src/stun/dump.ts";

const given = process.argv.slice(2).join("");
process.stdout.write(`${dump(octetsFrom(given === "" ? readFileSync(0, "utf8") : given))}\n`);

/** Digits and separators alone are hexadecimal; everything else is base64. */
function octetsFrom(text: string): Uint8Array {
  const digits = text.replace(/0x|[\s:,]/g, "");
  return /^([0-9a-f]{2})*$/i.test(digits) ? fromHex(digits) : Buffer.from(digits, "base64");
}
