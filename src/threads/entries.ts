declare const EXECUTABLE: boolean | undefined;

/** Where a thread begins. In an executable every module lies at the root of the sources, and entries in their folders. */
export function threadEntry(name: "relay-thread" | "edge-thread" | "bell-thread"): URL {
  return new URL(`${typeof EXECUTABLE === "boolean" ? "./threads/" : "./"}${name}.ts`, import.meta.url);
}
