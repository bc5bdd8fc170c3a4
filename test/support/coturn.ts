import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { freePorts, relayRange } from "./free-ports.ts";

/** A coturn on loopback. */
export interface Coturn {
  /** UDP and TCP. */
  readonly port: number;
  readonly tlsPort: number;
  /** A pair that is good for an hour. */
  credentials(name?: string): { readonly username: string; readonly credential: string };
  stop(): Promise<void>;
}

/** Starts an installed coturn: the server that the client and the harness are tried against. */
export async function startCoturn(files: { readonly certificate: string; readonly key: string }): Promise<Coturn> {
  const [port = 0, tlsPort = 0] = await freePorts(2);
  const directory = await mkdtemp(join(tmpdir(), "icebreaker-coturn-"));
  const [first = "", last = ""] = relayRange(2000).split("-");
  const secret = "a shared secret of this test";
  const child = startChild(
    "turnserver",
    [
      ...["-n", "--use-auth-secret", `--static-auth-secret=${secret}`, "--realm=coturn.test", "--fingerprint"],
      ...["--listening-ip=127.0.0.1", "--listening-ip=::1", "--relay-ip=127.0.0.1", "--relay-ip=::1"],
      ...[`--listening-port=${port}`, `--tls-listening-port=${tlsPort}`, `--min-port=${first}`, `--max-port=${last}`],
      ...[`--cert=${files.certificate}`, `--pkey=${files.key}`, "--allow-loopback-peers", "--cli-password=x", "--no-cli"],
      ...[`--pidfile=${join(directory, "pid")}`, `--userdb=${join(directory, "db")}`, "--log-file=stdout", "--verbose"],
    ],
    process.env,
    directory,
  );
  await child.says(/TLS (1\.\d )?listener opened on *: ::1|DTLS.*::1|relay threads|Total auth threads/i, 10_000);
  return {
    port,
    tlsPort,
    credentials(name = "test") {
      const username = `${Math.floor(Date.now() / 1000) + 3600}:${name}`;
      return { username, credential: createHmac("sha1", secret).update(username).digest("base64") };
    },
    async stop() {
      await child.stop("SIGKILL");
      await rm(directory, { recursive: true, force: true });
    },
  };
}
