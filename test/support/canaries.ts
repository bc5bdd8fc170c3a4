import assert from "node:assert/strict";

const LEAST_OCTETS = 8;

/** Secrets by what they are: none may be in anything that a program writes, in whatever form. */
export class Canaries {
  readonly #forms = new Map<string, readonly string[]>();

  /** Takes in a secret: as text, or as octets. Several of one kind need names of their own. */
  add(what: string, secret: string | Uint8Array | undefined): void {
    assert.ok(secret !== undefined && secret.length >= LEAST_OCTETS, `${what} is long enough to be found`);
    assert.ok(!this.#forms.has(what), `${what} is there already`);
    const octets = Buffer.from(secret);
    const base64 = octets.toString("base64").replace(/=+$/, "");
    const json = typeof secret === "string" ? [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)] : [];
    const forms = [...json, octets.toString("latin1"), octets.toString("hex"), base64, octets.toString("base64url")];
    this.#forms.set(what, [...new Set(forms), [...octets].join(",")]);
  }

  /** How many there are. */
  get count(): number {
    return this.#forms.size;
  }

  /** @param where what the text is, for whoever reads that it is not silent */
  assertSilent(text: string, where: string): void {
    for (const [what, forms] of this.#forms) {
      const found = forms.find((form) => text.includes(form));
      assert.ok(found === undefined, `${where} holds ${what}:\n${lineWith(text, found ?? "")}`);
    }
  }
}

function lineWith(text: string, canary: string): string {
  return text.split("\n").find((line) => line.includes(canary)) ?? "";
}
