import { makeApiKey } from "../../src/credentials/api-key.ts";
import { Directory } from "../../src/directory/directory.ts";
import { Regions } from "../../src/directory/regions.ts";
import { type App, createApp } from "../../src/http/app.ts";
import type { Health, HttpSettings, Services } from "../../src/http/services.ts";
import { randomFrom } from "../../src/lib/random.ts";
import { Secret } from "../../src/lib/secret.ts";

/** An API over a directory of two projects, with a clock and settings that a test can change. */
export interface World {
  readonly app: App;
  readonly services: Services;
  readonly directory: Directory;
  readonly regions: Regions;
  /** API keys of project_a (every region) and project_b (eu-west and us-west). */
  readonly keyA: string;
  readonly keyB: string;
  readonly clock: { monotonicMs: number; unixMs: number };
  readonly logged: string[];
  readonly revoked: string[];
  health: Health;
  /** Seconds that the next mints are told to wait. */
  wait: number;
  settings: HttpSettings;
  /** `fetch` by path. */
  ask(path: string, init?: RequestInit & { key?: string }): Promise<Response>;
  /** `POST /v1/credentials` with the key of project_a. */
  mint(body?: string | object): Promise<Response>;
}

export const endpoints = { hostname: "relay.example.com", udp: 3478, tcp: 3478, tls: 443, relay: true };

/** A directory of the two projects, each with one key. */
function twoProjects(): { directory: Directory; keyA: string; keyB: string } {
  const random = randomFrom((count) => crypto.getRandomValues(new Uint8Array(count)));
  const keys = [makeApiKey(random), makeApiKey(random)];
  const [keyA = "", keyB = ""] = keys.map(({ text }) => text.revealText());
  const directory = new Directory();
  directory.apply({
    revision: 1,
    more: false,
    projects: [
      { id: "project_a", name: "a", regions: [], secret: new Secret("secret of a") },
      { id: "project_b", name: "b", regions: ["eu-west", "us-west"], secret: new Secret("secret of b") },
    ],
    deletedProjects: [],
    keys: [],
    revokedKeys: [],
    revocations: [],
  });
  directory.admit({
    keys: keys.map(({ hash }, i) => ({
      id: `key_${i}`,
      project: i === 0 ? "project_a" : "project_b",
      name: undefined,
      hash,
      createdUnixMs: 0,
    })),
    projects: ["project_a", "project_b"],
  });
  return { directory, keyA, keyB };
}

/** @param change other services than those of the world */
export function makeWorld(change: Partial<Services> = {}): World {
  const regions = new Regions({ id: "own", region: "eu-central", endpoints });
  const world: Omit<World, "app" | "services"> = {
    ...twoProjects(),
    regions,
    clock: { monotonicMs: 0, unixMs: 1_718_196_400_000 },
    logged: [],
    revoked: [],
    health: { status: "ready", problems: [] },
    wait: 0,
    settings: {
      defaultTtl: 3600,
      maxTtl: 172_800,
      iceServersTtl: 86_400,
      corsOrigins: [],
      stunUrls: ["stun:stun.l.google.com:19302"],
    },
    ask: (path, { key, ...init } = {}) => {
      const headers = new Headers(init.headers);
      if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
      return app.fetch(new Request(`http://localhost${path}`, { ...init, headers }), { address: "192.0.2.1" });
    },
    mint: (body) => {
      const text = typeof body === "object" ? JSON.stringify(body) : body;
      const headers = text === undefined ? {} : { "content-type": "application/json" };
      return world.ask("/v1/credentials", {
        method: "POST",
        key: world.keyA,
        headers,
        ...(text !== undefined && { body: text }),
      });
    },
  };
  const services = servicesOf(world, change);
  const app = createApp(services);
  return Object.assign(world, { app, services });
}

function servicesOf(world: Omit<World, "app" | "services">, change: Partial<Services>): Services {
  let requests = 0;
  return {
    clock: { now: () => ({ ...world.clock }) },
    directory: world.directory,
    regions: world.regions,
    mints: { take: () => world.wait },
    records: {
      revoke: async ({ username }) => {
        world.revoked.push(username);
        return "written";
      },
    },
    get settings() {
      return world.settings;
    },
    log: { error: (fields, text) => world.logged.push(`${text} ${Object.values(fields).join(" ")}`), debug: () => {} },
    health: () => world.health,
    metrics: () => "icebreaker_up 1\n",
    newRequestId: () => `request-${requests++}`,
    metricsRoutes: false,
    version: "0.0.0",
    ...change,
  };
}
