import type { Finding } from "./rule.ts";

/** Pieces are joined here so that this file does not break its own rule. */
const join = (...pieces: string[]): string => pieces.join("");

/** Words that speak of how the project was made, not of the project. */
const FOREIGN: readonly { readonly words: RegExp; readonly what: string }[] = [
  { words: new RegExp(join("\\bis", "sues? +#?\\d+\\b"), "i"), what: "speaks of an entry in a tracker" },
  { words: /(^|[\s(])#\d{1,2}(?![\w-])/, what: "speaks of an entry in a tracker" },
  {
    words: new RegExp(join("\\b(hel", "per|agent|previous|earlier|another) ses", "sions?\\b"), "i"),
    what: "speaks of who wrote it",
  },
  { words: new RegExp(join("(^|[^\\w.])/wo", "rk/")), what: "a path of one machine" },
  { words: new RegExp(join("/tmp/(ba", "sh|brief|iss", "ues)")), what: "a path of one machine" },
  { words: new RegExp(join("registry\\.(np", "mjs|yarnpkg)")), what: "the host of a registry" },
];

/** What is foreign in a text: code, document or lock file. */
export function foreignWords(path: string, text: string): readonly Finding[] {
  return text
    .split("\n")
    .flatMap((line, i) => FOREIGN.filter(({ words }) => words.test(line)).map(({ what }) => ({ path, line: i + 1, what })));
}
