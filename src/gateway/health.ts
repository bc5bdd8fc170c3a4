import type { Health } from "../http/services.ts";

/** Why a gateway is not all well. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
}

/** What `/readyz` says, from facts that come and go. */
export class HealthBoard {
  readonly #problems = new Map<string, Problem>();
  readonly #publish: (health: Health) => void;
  #phase: "starting" | "serving" | "draining" = "starting";

  /** @param publish told of every change */
  constructor(publish: (health: Health) => void) {
    this.#publish = publish;
  }

  /** Draining never ends but with the process. */
  enter(phase: "serving" | "draining"): void {
    this.#phase = phase;
    this.#publish(this.current);
  }

  /** A problem is there; of the same code the newest detail counts. */
  raise(problem: Problem): void {
    this.#problems.set(problem.code, problem);
    this.#publish(this.current);
  }

  /** A problem is over. */
  settle(code: string): void {
    if (this.#problems.delete(code)) this.#publish(this.current);
  }

  get current(): Health {
    const problems = [...this.#problems.values()];
    if (this.#phase !== "serving") return { status: this.#phase, problems };
    return { status: problems.length > 0 ? "degraded" : "ready", problems };
  }
}
