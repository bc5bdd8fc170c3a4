import { ConfigError } from "../../src/config/complain.ts";
import type { Environment } from "../../src/config/environment.ts";
import type { Files } from "../../src/config/files.ts";
import { type LoadedSettings, loadSettings } from "../../src/config/load.ts";

/** Files that are only in memory; a text of `undefined` stands for one that may not be read. */
export function fakeFiles(texts: Readonly<Record<string, string | undefined>>): Files {
  return {
    exists: (path) => Object.hasOwn(texts, path),
    read(path) {
      if (!Object.hasOwn(texts, path)) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      const text = texts[path];
      if (text === undefined) throw Object.assign(new Error("permission denied"), { code: "EACCES" });
      return text;
    },
    facts: () => ({ owner: "root", mode: 0o600, us: "icebreaker" }),
  };
}

/** The file that {@link load} puts its text in. */
export const FILE = "/srv/gateway/icebreaker.toml";

/** Loads a text as `./icebreaker.toml`, with variables beside it. */
export function load(
  toml: string,
  env: Environment = {},
  more: Readonly<Record<string, string | undefined>> = {},
): LoadedSettings {
  return loadSettings({ flag: undefined, env, cwd: "/srv/gateway", files: fakeFiles({ [FILE]: toml, ...more }) });
}

/** The sentences of everything that is wrong. */
export function complaintsOf(loading: () => unknown): string[] {
  try {
    loading();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}
