/** A place in a text, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Where each key and table of a TOML document stands. The parser does not tell, and a complaint should.
 *
 * @param text a valid document; what is within inline tables has no position of its own
 * @returns by dotted name
 */
export function keyPositions(text: string): ReadonlyMap<string, Position> {
  return new Scanner(text).scan();
}

/** Steps over values without reading them: only where they end matters. */
class Scanner {
  readonly #text: string;
  readonly #positions = new Map<string, Position>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): ReadonlyMap<string, Position> {
    let table = "";
    while (this.#skipBlank()) {
      const start = this.#at;
      if (this.#text[start] === "[") {
        this.#match(/\[\[?/y);
        table = this.#dottedKey();
        this.#note(table, start);
        this.#match(/[^\n]*/y);
        table += ".";
      } else {
        const key = this.#dottedKey();
        if (this.#at === start) return this.#positions;
        this.#note(table + key, start);
        this.#skipValue();
      }
    }
    return this.#positions;
  }

  /** White space, line ends and comments. @returns whether something follows */
  #skipBlank(): boolean {
    this.#match(/(\s|#[^\n]*)*/y);
    return this.#at < this.#text.length;
  }

  /** `a."b c".d` without its quotes, which names of settings do not need. */
  #dottedKey(): string {
    const parts: string[] = [];
    for (;;) {
      const part = this.#match(/[ \t]*("([^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)[ \t]*/y).trim();
      parts.push(/^["']/.test(part) ? part.slice(1, -1) : part);
      if (this.#match(/\./y) === "") return parts.join(".");
    }
  }

  #skipValue(): void {
    let depth = 0;
    while (this.#at < this.#text.length) {
      const token = this.#match(
        /"""([^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}|"([^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[[{]|[\]}]|\n|[^"'#[\]{}\n]+|["']/y,
      );
      if (token === "[" || token === "{") depth++;
      if (token === "]" || token === "}") depth--;
      if (token === "\n" && depth === 0) return;
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ""] = pattern.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }

  #note(key: string, at: number): void {
    const before = this.#text.slice(0, at);
    const line = before.split("\n").length;
    this.#positions.set(key, { line, column: at - before.lastIndexOf("\n") });
  }
}
