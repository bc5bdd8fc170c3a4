/** Settings whose feature is yet to come: accepted, so that a file outlives an upgrade, and without effect until then. */
export const YET_TO_COME: readonly string[] = [
  "listen.proxy_protocol",
  "relay.tcp",
  "shutdown.upgrade_deadline",
  "tls.acme.directory",
  "tls.acme.email",
  "tls.passthrough",
];

/**
 * The one warning for all of them.
 *
 * @param changed names of settings that are not at their default
 * @returns `undefined` if none of them waits for its feature
 */
export function yetToCome(changed: Iterable<string>): string | undefined {
  const waiting = [...changed].filter((name) => YET_TO_COME.includes(name)).sort();
  if (waiting.length === 0) return undefined;
  return `No effect yet: ${waiting.join(", ")} (${waiting.length === 1 ? "this feature is" : "these features are"} still to come)`;
}
