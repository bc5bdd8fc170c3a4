import type { Place } from "./complain.ts";

/** Where a value came from. */
export type Source =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly place: Place; readonly secretFile?: string }
  | { readonly kind: "environment"; readonly variable: string; readonly secretFile?: string };

/** A value as it was written, before it is read. */
export interface Written {
  readonly value: unknown;
  readonly source: Source;
}

/** As `icebreaker config` prints it: `default`, `/etc/icebreaker/icebreaker.toml:12`, or the variable's name. */
export function formatSource(source: Source): string {
  if (source.kind === "default") return "default";
  const from = source.kind === "file" ? `${source.place.file}:${source.place.line}` : source.variable;
  return source.secretFile === undefined ? from : `${from}, ${source.secretFile}`;
}

/** The place to name in a complaint about a value, if it was set at all. */
export function placeOf(source: Source): Place | string | undefined {
  if (source.kind === "default") return undefined;
  return source.kind === "file" ? source.place : source.variable;
}
