import { lead, LifeError } from "./lead.ts";
import { shrink } from "./shrink.ts";
import type { Life } from "./step.ts";

/** The shortest life found that goes wrong as this one did, and how. */
export interface Failure {
  readonly life: Life;
  readonly error: LifeError;
}

/** Leads a life. @returns `undefined` if nothing went wrong, else the failure, shrunk */
export function failureOf(life: Life): Failure | undefined {
  const error = errorOf(life);
  if (error === undefined) return undefined;
  const upTo = life.steps.slice(0, error.step + 1);
  const steps = shrink(upTo, (part) => errorOf({ ...life, steps: part }) !== undefined);
  const shortest = { ...life, steps };
  return { life: shortest, error: errorOf(shortest) ?? error };
}

/** A failure as a text to be printed: what went wrong, the life in words, and the life to be kept. */
export function describeFailure({ life, error }: Failure): string {
  const told: string[] = [];
  errorOf(life, (line) => told.push(line));
  const kept = JSON.stringify(life, undefined, 1).replace(/\n\s+(?=[^{\s])/g, " ");
  return `${error.message}\n\n${told.join("\n")}\n\nTo keep it, give it a "what" and put it into test/simulation/corpus:\n\n${kept}\n`;
}

function errorOf(life: Life, say?: (line: string) => void): LifeError | undefined {
  try {
    lead(life, say);
    return undefined;
  } catch (error) {
    if (error instanceof LifeError) return error;
    throw error;
  }
}
