import type { Random } from "../../../src/lib/random.ts";

/** Octets at which lengths, types and signs turn over. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 15, 16, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff];
const MOST_CHANGES = 6;
/** What a mutated input may grow to. */
const LONGEST = 70_000;

/**
 * An input like those of a corpus, with a few things wrong: octets changed, cut out, doubled or put in, lengths that lie,
 * and pieces of two inputs joined.
 */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = sampleOf(corpus, random).slice();
  for (let changes = 1 + random.below(MOST_CHANGES); changes > 0; changes--) bytes = changed(bytes, corpus, random);
  return bytes.subarray(0, LONGEST);
}

function changed(bytes: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const count = 1 + random.below(random.below(4) === 0 ? 64 : 4);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (random.below(9)) {
    case 0:
      return before.slice();
    case 1:
      return joined(before, after.subarray(count));
    case 2:
      return joined(before, after.subarray(0, count), after);
    case 3:
      return joined(before, random.bytes(count), after);
    case 4:
      return joined(before, sampleOf(corpus, random).subarray(random.below(20)));
    case 5: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
    case 6: {
      // A length, or whatever two octets are there.
      const copy = bytes.slice();
      const value = random.below(2) === 0 ? random.below(0x10000) : Math.max(0, copy.length - random.below(8));
      if (at + 1 < copy.length) copy.set([value >> 8, value & 0xff], at);
      return copy;
    }
    default: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = EDGES[random.below(EDGES.length)] ?? 0;
      return copy;
    }
  }
}

function sampleOf(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  return corpus[random.below(corpus.length)] ?? new Uint8Array(0);
}

function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
