/** What stands for a secret. */
const MASK = "***";

/**
 * A secret as it may be shown: nothing of it, but of a URL all that is not a password.
 *
 * @param value as it was written
 */
export function mask(value: unknown): string {
  if (typeof value !== "string") return MASK;
  if (value.startsWith("sqlite:")) return value;
  if (!/^postgres(ql)?:/.test(value) || !URL.canParse(value)) return MASK;
  const url = new URL(value);
  if (url.password !== "") url.password = MASK;
  for (const name of url.searchParams.keys()) if (/pass|key|secret/i.test(name)) url.searchParams.set(name, MASK);
  return url.href;
}
