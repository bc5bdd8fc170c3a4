import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Certificates } from "../../src/edge/certificates.ts";
import { startCertificate } from "../../src/gateway/certificate.ts";
import { CertificateKeeper } from "../../src/gateway/certificate-keeper.ts";
import type { Log } from "../../src/observe/log.ts";
import { loaded } from "../support/loaded.ts";

const NOW = Date.now();
const DAY_MS = 86_400_000;

describe("startCertificate", () => {
  test("makes a self-signed pair once, says what browsers think of it, and keeps it over restarts", async () => {
    const settings = settingsIn(await temporary());
    const first = await startCertificate(settings, "relay.example.com", NOW);
    assert.match(first.warnings.join(), /self-signed.*\[tls\]/);
    assert.ok(first.facts.subjectAltNames.includes("relay.example.com"));
    assert.equal((await stat(join(settings.state_dir, "self-signed.key"))).mode & 0o777, 0o600);
    const second = await startCertificate(settings, "relay.example.com", NOW + DAY_MS);
    assert.equal(second.pair.certificate, first.pair.certificate);
  });

  test("makes a new pair for another name, and when the old one has expired", async () => {
    const settings = settingsIn(await temporary());
    const first = await startCertificate(settings, "a.example", NOW);
    const renamed = await startCertificate(settings, "b.example", NOW);
    assert.notEqual(renamed.pair.certificate, first.pair.certificate);
    const later = await startCertificate(settings, "b.example", NOW + 400 * DAY_MS);
    assert.notEqual(later.pair.certificate, renamed.pair.certificate);
  });

  test("takes the files of [tls] without a warning", async () => {
    const { settings, pair } = await withFiles("relay.example.com");
    const start = await startCertificate(settings, "relay.example.com", NOW);
    assert.deepEqual([start.pair, start.warnings], [pair, []]);
  });

  test("warns of a certificate that does not name us", async () => {
    const { settings } = await withFiles("other.example.com");
    const { warnings } = await startCertificate(settings, "relay.example.com", NOW);
    assert.match(warnings.join(), /names other\.example\.com.*not relay\.example\.com/);
  });

  const mistakes = [
    {
      name: "a file that is not there",
      spoil: () => Promise.resolve(),
      certificate: "/nowhere.pem",
      complaint: /^tls\.certificate: \/nowhere\.pem is not there$/,
    },
    {
      name: "a key of another certificate",
      spoil: (path: string) => writeFile(path, Certificates.selfSigned(["x"], NOW).key),
      complaint: /^tls\.certificate: .*The key does not belong to the certificate$/,
    },
    {
      name: "a directory in place of the key",
      spoil: async (path: string) => {
        await rm(path);
        await mkdir(path);
      },
      complaint: /^tls\.key: .* is a directory$/,
    },
    {
      name: "a key that is none",
      spoil: (path: string) => writeFile(path, "rubbish"),
      complaint: /no unencrypted PEM private key$/,
    },
  ];
  for (const { name, spoil, certificate, complaint } of mistakes) {
    test(`${name} is a failure that names the setting`, async () => {
      const { settings, paths } = await withFiles("relay.example.com");
      await spoil(paths.key);
      const tls = { ...settings.tls, ...(certificate === undefined ? {} : { certificate }) };
      await assert.rejects(startCertificate({ ...settings, tls }, "relay.example.com", NOW), { message: complaint });
    });
  }
});

describe("CertificateKeeper", () => {
  test("takes a good pair from the files and publishes it; a bad one is refused with a warning and the old one stays", async () => {
    const { settings, paths } = await withFiles("relay.example.com");
    const published = Promise.withResolvers<string>();
    const warned = Promise.withResolvers<string>();
    const keeper = new CertificateKeeper(
      await startCertificate(settings, "relay.example.com", NOW),
      "relay.example.com",
      logTo(warned.resolve),
      (pair) => published.resolve(pair.certificate),
    );
    await writeFile(paths.key, "rubbish");
    keeper.follow(paths);
    assert.match(await warned.promise, /^The certificate stays as it was: /);

    const fresh = Certificates.selfSigned(["relay.example.com"], NOW);
    await writeFile(paths.certificate, fresh.certificate);
    await writeFile(paths.key, fresh.key);
    keeper.follow(paths);
    assert.equal(await published.promise, fresh.certificate);
    assert.equal(await readFile(paths.certificate, "utf8"), fresh.certificate);
    keeper.close();
  });
});

function logTo(warn: (sentence: string) => void): Log {
  return {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (_, sentence) => warn(sentence),
    level: "info",
  };
}

async function withFiles(name: string) {
  const directory = await temporary();
  const paths = { certificate: join(directory, "chain.pem"), key: join(directory, "key.pem") };
  const pair = Certificates.selfSigned([name], NOW);
  await writeFile(paths.certificate, pair.certificate);
  await writeFile(paths.key, pair.key);
  return { pair, paths, settings: settingsIn(directory, `certificate = "${paths.certificate}"\nkey = "${paths.key}"`) };
}

function temporary(): Promise<string> {
  return mkdtemp(join(tmpdir(), "icebreaker-test-"));
}

function settingsIn(directory: string, tls = "") {
  const toml = `state_dir = "${directory}"\n[tls]\n${tls}`;
  return loaded(toml).settings;
}
