/**
 * Delta debugging: leaves out what is not needed for a failure, first in large pieces, then one by one.
 *
 * @param fails whether a list still shows the failure; it does for `whole`
 * @param tries how often it may be asked
 * @returns a list from which no single element can be left out, unless the tries ran out
 */
export function shrink<T>(whole: readonly T[], fails: (part: readonly T[]) => boolean, tries = 2000): readonly T[] {
  let kept = whole;
  let left = tries;
  for (let size = Math.ceil(kept.length / 2); size >= 1 && left > 0; ) {
    let smaller: readonly T[] | undefined;
    for (let at = kept.length - size; smaller === undefined && at > -size && left > 0; at -= size) {
      const without = [...kept.slice(0, Math.max(0, at)), ...kept.slice(Math.max(0, at + size))];
      left--;
      if (fails(without)) smaller = without;
    }
    if (smaller !== undefined) kept = smaller;
    else if (size === 1) break;
    else size = Math.ceil(size / 2);
    size = Math.min(size, Math.max(1, kept.length));
  }
  return kept;
}
