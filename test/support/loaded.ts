import { type LoadedSettings, loadSettings } from "../../src/config/load.ts";

/** What a configuration file with this text gives, without anything in the environment. @throws {ConfigError} if it is wrong */
export function loaded(toml: string): LoadedSettings {
  const files = { read: () => toml, exists: (path: string) => path === "/ib.toml", facts: () => undefined };
  return loadSettings({ flag: "/ib.toml", env: {}, cwd: "/", files });
}
