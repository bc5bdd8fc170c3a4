import { Type } from "@sinclair/typebox";
import { StunUrlText } from "../formats.ts";
import { closed } from "./closed.ts";

/** `[stun]`. */
export const StunSection = Type.Object(
  {
    urls: Type.Array(StunUrlText(), {
      default: [],
      description: "STUN servers that `GET /api/v1/ice-servers` returns beside this gateway's own.",
    }),
  },
  closed,
);
