import { after } from "node:test";

/** For tests of the whole: each says how long it may take, for the runner's default is a unit test's. */
export const UNHURRIED = { timeout: 60_000 } as const;
export const SLOW = { timeout: 180_000 } as const;

/**
 * Something that several tests use, made by the first that asks and stopped after the last.
 *
 * Not a `before` hook: those have the runner's default time-out whatever they ask for.
 */
export function shared<T extends { stop(): Promise<unknown> }>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  after(async () => {
    const thing = await made?.catch(() => undefined);
    await thing?.stop();
  });
  return () => {
    made ??= make();
    return made;
  };
}

/** Waits for something to become true. @throws {Error} if it does not within the time */
export async function until(condition: () => boolean | Promise<boolean>, withinMs: number, what: string): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
