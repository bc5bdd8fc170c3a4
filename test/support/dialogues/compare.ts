import { labelOf, type Dialogue, type Outcome } from "./turn.ts";

/** What the two servers did otherwise, as a row of docs/rfc/differences.md has it. */
export interface Difference {
  readonly turn: string;
  readonly ours: string;
  readonly theirs: string;
}

/**
 * Where two servers part: the attributes and values of every answer, up to the first turn whose outcome is another. What
 * follows from that is no difference of its own. How long a retransmission finds its allocation to live depends on when it comes.
 */
export function differencesOf({ turns }: Dialogue, ours: readonly Outcome[], theirs: readonly Outcome[]): readonly Difference[] {
  const differences: Difference[] = [];
  for (const [i, turn] of turns.entries()) {
    const [our, their] = [ours[i], theirs[i]];
    if (our === undefined || their === undefined) break;
    if (our.what !== their.what) return [...differences, { turn: labelOf(turn), ours: our.what, theirs: their.what }];
    const label = `${labelOf(turn)}, ${our.what}`;
    const untimed = "again" in turn ? (value: string): boolean => !value.startsWith("LIFETIME") : (): boolean => true;
    for (const kind of ["values", "attributes"] as const) {
      const more = our[kind].filter((one) => !their[kind].includes(one) && untimed(one));
      const less = their[kind].filter((one) => !our[kind].includes(one) && untimed(one));
      if (more.length + less.length === 0) continue;
      differences.push({ turn: label, ours: more.join(", ") || "nothing more", theirs: less.join(", ") || "nothing more" });
    }
  }
  return differences;
}
