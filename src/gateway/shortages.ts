import { readdirSync, readFileSync, statSync } from "node:fs";
import type { Problem } from "./health.ts";

/** What a gateway can run out of. */
export interface Stock {
  /** Relayed ports in use, reserved ones too, and how many there are. */
  readonly livePorts: number;
  readonly allPorts: number;
  /** Descriptors that the process may still open; `undefined` where the system does not tell. */
  readonly freeDescriptors: number | undefined;
}

const FEW_DESCRIPTORS = 16;
const LOOKS_AT_A_LIMIT = 60;

/** What there is not enough of: new allocations, or connections, are refused for it, and live ones do not suffer. */
export function shortages({ livePorts, allPorts, freeDescriptors }: Stock): readonly Problem[] {
  const problems: Problem[] = [];
  if (allPorts > 0 && livePorts >= allPorts)
    problems.push({ code: "ports_exhausted", detail: `All ${allPorts} relayed ports are in use: widen relay.ports` });
  if (freeDescriptors !== undefined && freeDescriptors < FEW_DESCRIPTORS) {
    const detail = "The process may open hardly any more files and sockets: raise LimitNOFILE (ulimit -n)";
    problems.push({ code: "descriptors_exhausted", detail });
  }
  return problems;
}

/** How many descriptors this process may still open. Their limit, which hardly ever changes, is read at every 60th look. */
export class FreeDescriptors {
  #limit: number | undefined;
  #looks = 0;

  /** Looks now; `undefined` where the system does not tell. */
  get count(): number | undefined {
    try {
      if (this.#looks++ % LOOKS_AT_A_LIMIT === 0) this.#limit = readLimit();
      return this.#limit === undefined ? undefined : this.#limit - openDescriptors();
    } catch (error) {
      this.#looks = 0;
      return isExhausted(error) ? 0 : undefined; // not even that file can be opened, or there is no such file
    }
  }
}

function readLimit(): number | undefined {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return limit === undefined ? undefined : Number(limit);
}

function openDescriptors(): number {
  const counted = statSync("/proc/self/fd").size; // since Linux 6.2; before, 0
  return counted > 0 ? counted : readdirSync("/proc/self/fd").length;
}

function isExhausted(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENFILE");
}
