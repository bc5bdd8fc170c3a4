import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { mustIp } from "./namespace.ts";

const NEAR = "icebreaker0";
const FAR = "icebreaker0-far";

/** A virtual cable in this network namespace: what is written to its far end comes in from outside. */
export class Cable {
  readonly #interface: string;
  readonly #mac: string;

  /** Lays one, with a public address at the near end and everything that is not here behind it. */
  constructor(publicAddress: string) {
    for (const command of [
      `link add ${NEAR} type veth peer name ${FAR}`,
      `link set ${NEAR} arp off`,
      `link set ${NEAR} up`,
      `link set ${FAR} up`,
      `addr add ${publicAddress}/32 dev ${NEAR}`,
      `route add default dev ${NEAR} src ${publicAddress}`,
    ]) {
      mustIp(command);
    }
    this.#interface = textOf(FAR, "ifindex");
    this.#mac = textOf(NEAR, "address").replaceAll(":", "");
  }

  /** Packets that have come in at the near end, and those that left there. */
  get traffic(): { readonly into: number; readonly outOf: number } {
    const count = (what: string): number => Number(textOf(NEAR, `statistics/${what}_packets`));
    return { into: count("rx"), outOf: count("tx") };
  }

  /** Begins to send requests from made-up addresses; ends when all are sent. */
  flood(request: { to: string; rate: number; count: number; seed: number; binding?: boolean }): Flood {
    const { to, rate, count, seed, binding = false } = request;
    const path = fileURLToPath(new URL("spoofer.ts", import.meta.url));
    const numbers = ["--interface", this.#interface, "--mac", this.#mac, "--rate", `${rate}`, "--count", `${count}`];
    const args = [path, ...numbers, "--to", to, "--seed", `${seed}`, ...(binding ? ["--binding"] : [])];
    return new Flood(spawn(process.execPath, args, { stdio: "inherit" }));
  }
}

/** A flood under way. */
export class Flood {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, "exit");
  }

  /** Waits for its end. @throws {Error} if it failed */
  async over(): Promise<void> {
    await this.#ended;
    if (this.#child.exitCode !== 0) throw new Error(`The spoofer ended with ${this.#child.exitCode}`);
  }
}

function textOf(name: string, what: string): string {
  return readFileSync(`/sys/class/net/${name}/${what}`, "utf8").trim();
}
