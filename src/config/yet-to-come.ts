/** Settings and tables whose feature is yet to come: accepted, so that a file outlives an upgrade, and without effect until then. */
export const YET_TO_COME: readonly string[] = ["shutdown.upgrade_deadline", "tls.acme"];

/** The entry of {@link YET_TO_COME} that a setting falls under. */
export function waitsFor(name: string): string | undefined {
  return YET_TO_COME.find((entry) => name === entry || name.startsWith(`${entry}.`));
}

/**
 * The one warning for all of them.
 *
 * @param changed names of settings that are not at their default, and of tables that were named
 * @returns `undefined` if none of them waits for its feature
 */
export function yetToCome(changed: Iterable<string>): string | undefined {
  const waiting = [...new Set([...changed].flatMap((name) => waitsFor(name) ?? []))].sort();
  if (waiting.length === 0) return undefined;
  return `No effect yet: ${waiting.join(", ")} (${waiting.length === 1 ? "this feature is" : "these features are"} still to come)`;
}
