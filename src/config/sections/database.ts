import { Type } from "@sinclair/typebox";
import { DatabaseUrlText } from "../formats.ts";
import { closed } from "./closed.ts";

/** `[database]`. */
export const DatabaseSection = Type.Object(
  {
    url: DatabaseUrlText({
      restart: true,
      default: "sqlite:icebreaker.db",
      description: "`sqlite:` with a path, relative to `state_dir` or absolute; or `postgres://…`, shared by a fleet.",
    }),
  },
  closed,
);
