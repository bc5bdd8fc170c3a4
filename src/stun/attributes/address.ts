import { copyOf, readUint16, writeUint16 } from "../../lib/bytes.ts";
import type { TransportAddress } from "../../net/address.ts";
import type { AttributeCodec } from "./codec.ts";
import { familyFrom, familyOctet } from "./family.ts";

/**
 * MAPPED-ADDRESS, ALTERNATE-SERVER, RESPONSE-ORIGIN and OTHER-ADDRESS.
 *
 *     | 0 | family | port | address … 4 or 16 octets |
 *
 * @see RFC 8489 §14.1, §14.15; RFC 5780 §7.3, §7.4
 */
export const address: AttributeCodec<TransportAddress> = {
  decode(value) {
    const family = familyFrom(value[1]);
    if (family === undefined || value.length !== (family === 4 ? 8 : 20)) return undefined;
    return { ip: { family, octets: copyOf(value, 4) }, port: readUint16(value, 2) };
  },

  encode({ ip, port }) {
    const value = new Uint8Array(4 + ip.octets.length);
    value[1] = familyOctet(ip.family);
    writeUint16(value, 2, port);
    value.set(ip.octets, 4);
    return value;
  },
};
