import { Elysia } from "elysia";
import type { Services } from "../services.ts";

const UNREADY = 503;

/** `GET /healthz`: whether the process answers; `GET /readyz`: whether it should be sent clients, and what is wrong. */
export const health = (services: Services) =>
  new Elysia({ name: "health", aot: false, normalize: false })
    .get("/healthz", ({ set }) => {
      set.headers["cache-control"] = "no-store";
      return { status: "ok" };
    })
    .get("/readyz", ({ set }) => {
      const { status, problems } = services.health();
      set.headers["cache-control"] = "no-store";
      if (status === "draining" || status === "starting") set.status = UNREADY;
      return { status, problems };
    });
