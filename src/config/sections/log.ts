import { Type } from "@sinclair/typebox";
import { oneOf } from "../formats.ts";
import { closed } from "./closed.ts";

/** `[log]`. */
export const LogSection = Type.Object(
  {
    level: oneOf(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
      default: "info",
      description: "What is logged, from this severity on. JSON lines on stderr, readable lines on a terminal.",
    }),
  },
  closed,
);
