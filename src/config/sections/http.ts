import { Type } from "@sinclair/typebox";
import { OriginText } from "../formats.ts";
import { closed } from "./closed.ts";

/** `[http]`. */
export const HttpSection = Type.Object(
  {
    cors_origins: Type.Array(OriginText(), {
      default: [],
      description:
        'Origins that may call `GET /api/v1/ice-servers` from a browser; `"*"`: all. `POST /v1/credentials` never has CORS.',
    }),
  },
  closed,
);
