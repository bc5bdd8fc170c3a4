import { Type } from "@sinclair/typebox";
import { closed } from "./closed.ts";

const port = (listener: string) =>
  Type.Integer({
    restart: true,
    default: 0,
    minimum: 0,
    maximum: 65_535,
    description: `The port in URLs for \`listen.${listener}\`; 0: that of its first entry.`,
  });

/** `[advertise]`: the ports in ICE URLs where they are not the listeners' own. */
export const AdvertiseSection = Type.Object(
  { udp: port("udp"), tcp: port("tcp"), tls: port("tls") },
  {
    ...closed,
    description: "Ports in the ICE URLs where they are not the listeners' own: behind a balancer, or out of a container.",
  },
);
