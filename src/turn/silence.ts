import type { Action } from "./action.ts";
import type { IgnoredReason } from "./event.ts";

/** Nothing is done and nothing told. */
export const NOTHING: readonly Action[] = [];

/** A datagram is beyond what its allocation may carry: it is counted. */
export const OVER_BANDWIDTH: readonly Action[] = [{ kind: "report", event: { type: "overBandwidth" } }];

/** What is done about a message that gets no answer: it is counted. Made once, for strangers may send a million of them. */
export const IGNORED: Readonly<Record<IgnoredReason, readonly Action[]>> = {
  malformed: ignored("malformed"),
  "not a request": ignored("not a request"),
  budget: ignored("budget"),
  pressure: ignored("pressure"),
  "no permission": ignored("no permission"),
  "no allocation": ignored("no allocation"),
};

function ignored(why: IgnoredReason): readonly Action[] {
  return [{ kind: "report", event: { type: "ignored", why } }];
}
