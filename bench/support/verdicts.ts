/** The findings of an attack, printed as they come: what was measured, what it may be at most, and whether it is. */
export class Verdicts {
  readonly #attack: string;

  /** @param attack the name of the bench */
  constructor(attack: string) {
    this.#attack = attack;
  }

  /** A figure that must not be above a bound. */
  atMost(what: string, figure: number, bound: number, unit = ""): void {
    this.#say(figure <= bound, `${what}: ${shown(figure)}${unit} (at most ${shown(bound)}${unit})`);
  }

  /** A figure that must be another. */
  equal(what: string, figure: number, wanted: number): void {
    this.#say(figure === wanted, `${what}: ${figure}${figure === wanted ? "" : ` instead of ${wanted}`}`);
  }

  /** Something that must hold. */
  holds(what: string, holds: boolean): void {
    this.#say(holds, what);
  }

  /** Something to know that has no bound. */
  note(what: string): void {
    process.stdout.write(`${this.#attack}        ${what}\n`);
  }

  /** The process exits with 1 if something does not hold. */
  #say(holds: boolean, what: string): void {
    process.stdout.write(`${this.#attack}  ${holds ? "holds" : "FAILS"} ${what}\n`);
    if (!holds) process.exitCode = 1;
  }
}

function shown(figure: number): string {
  return Number.isInteger(figure) ? `${figure}` : figure.toFixed(2);
}
