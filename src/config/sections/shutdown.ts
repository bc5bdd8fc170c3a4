import { Type } from "@sinclair/typebox";
import { Seconds } from "../formats.ts";
import { closed } from "./closed.ts";

/** `[shutdown]`. */
export const ShutdownSection = Type.Object(
  {
    deadline: Seconds({ default: 30, description: "How long draining waits for live allocations." }),
    upgrade_deadline: Seconds({
      default: 86_400,
      description: "How long the old executable may live on for its allocations after an upgrade.",
    }),
  },
  closed,
);
