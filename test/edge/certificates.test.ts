import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readCertificateFiles, watchCertificateFiles } from "../../src/edge/certificate-files.ts";
import { type CertificatePair, Certificates } from "../../src/edge/certificates.ts";
import { until } from "./support.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 15);
const localhost = Certificates.selfSigned(["turn.example.com", "192.0.2.7", "2001:db8::7"], NOW);
const other = Certificates.selfSigned(["turn.example.com"], NOW);

describe("Certificates.selfSigned", () => {
  test("names what it was asked to and localhost, for a year", () => {
    const loaded = new Certificates("turn.example.com").load(localhost, NOW);
    assert.ok(loaded.kind === "taken");
    assert.deepEqual(loaded.warnings, []);
    assert.deepEqual(loaded.facts.subjectAltNames, ["turn.example.com", "192.0.2.7", "2001:db8::7", "localhost"]);
    assert.equal(loaded.facts.selfSigned, true);
    assert.ok(loaded.facts.notBeforeUnixMs < NOW && loaded.facts.notAfterUnixMs > NOW + 365 * DAY_MS);
  });
});

describe("Certificates.load", () => {
  const refusals = [
    { name: "text", pair: { certificate: "hello", key: localhost.key }, complaint: /no PEM certificate/ },
    {
      name: "a broken chain",
      pair: { ...localhost, certificate: broken(localhost.certificate) },
      complaint: /no PEM certificate/,
    },
    { name: "no key", pair: { ...localhost, key: "hello" }, complaint: /no unencrypted PEM private key/ },
    { name: "another's key", pair: { ...localhost, key: other.key }, complaint: /does not belong/ },
  ];
  for (const { name, pair, complaint } of refusals) {
    test(`refuses ${name}, and what was in force stays`, () => {
      const certificates = new Certificates("turn.example.com");
      certificates.load(localhost, NOW);
      const loaded = certificates.load(pair, NOW);
      assert.ok(loaded.kind === "refused");
      assert.match(loaded.complaint, complaint);
      assert.equal(certificates.contextOptions.cert, localhost.certificate);
    });
  }

  test("an expired pair is better than none, and no better than a valid one", () => {
    const later = NOW + 500 * DAY_MS;
    const first = new Certificates("turn.example.com").load(localhost, later);
    assert.ok(first.kind === "taken");
    assert.match(first.warnings.join(), /expired at 2027-/);

    const certificates = new Certificates("turn.example.com");
    certificates.load(other, NOW);
    assert.equal(certificates.load(localhost, later).kind, "taken", "both are expired");
    certificates.load(localhost, NOW);
    const early = certificates.load({ ...other }, NOW - 10 * DAY_MS);
    assert.equal(early.kind, "taken", "both are not valid yet");
  });

  test("a pair of the future does not replace one of today", () => {
    const certificates = new Certificates("turn.example.com");
    certificates.load(localhost, NOW);
    const loaded = certificates.load(Certificates.selfSigned(["turn.example.com"], NOW + 30 * DAY_MS), NOW);
    assert.ok(loaded.kind === "refused");
    assert.match(loaded.complaint, /not valid before 2026-02-13/);
  });

  for (const [hostname, warned] of [
    ["TURN.example.com", false],
    ["192.0.2.7", false],
    ["2001:DB8:0::7", false],
    ["other.example.com", true],
    ["192.0.2.8", true],
  ] as const) {
    test(`${hostname} is ${warned ? "not " : ""}named`, () => {
      const loaded = new Certificates(hostname).load(localhost, NOW);
      assert.ok(loaded.kind === "taken");
      assert.equal(loaded.warnings.length, warned ? 1 : 0);
    });
  }

  test("a wildcard names one label", () => {
    const wildcard = Certificates.selfSigned(["*.example.com"], NOW);
    const warnings = (hostname: string): number => {
      const loaded = new Certificates(hostname).load(wildcard, NOW);
      return loaded.kind === "taken" ? loaded.warnings.length : -1;
    };
    assert.deepEqual(["turn.example.com", "a.turn.example.com", "example.com"].map(warnings), [0, 1, 1]);
  });
});

describe("watchCertificateFiles", () => {
  const inDirectory = async (run: (directory: string) => Promise<void>): Promise<void> => {
    const directory = mkdtempSync(join(tmpdir(), "icebreaker-certificates-"));
    try {
      await run(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
  const writePair = (directory: string, { certificate, key }: CertificatePair): void => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "fullchain.pem"), certificate);
    writeFileSync(join(directory, "privkey.pem"), key);
  };
  const filesIn = (directory: string) => ({
    certificate: join(directory, "fullchain.pem"),
    key: join(directory, "privkey.pem"),
  });

  test("tells of a swapped directory link, once, and of nothing before", () =>
    inDirectory(async (directory) => {
      writePair(join(directory, "1"), localhost);
      writePair(join(directory, "2"), other);
      symlinkSync("1", join(directory, "live"));
      const outcomes: (CertificatePair | Error)[] = [];
      const stop = watchCertificateFiles(filesIn(join(directory, "live")), (outcome) => outcomes.push(outcome), 10);
      try {
        await looks(5);
        assert.deepEqual(outcomes, []);
        symlinkSync("2", join(directory, "next"));
        renameSync(join(directory, "next"), join(directory, "live"));
        await until(() => outcomes.length > 0, "the change is told");
        await looks(5);
        assert.deepEqual(outcomes, [other]);
      } finally {
        stop();
      }
    }));

  test("tells what the system says against a missing file, and takes it when it is back", () =>
    inDirectory(async (directory) => {
      writePair(directory, localhost);
      const outcomes: (CertificatePair | Error)[] = [];
      const stop = watchCertificateFiles(filesIn(directory), (outcome) => outcomes.push(outcome), 10);
      try {
        await looks(3);
        rmSync(join(directory, "privkey.pem"));
        await until(() => outcomes.length === 1, "the loss is told");
        assert.match(String(outcomes[0]), /ENOENT/);
        writePair(directory, other);
        await until(() => outcomes.length === 2, "the return is told");
        assert.deepEqual(outcomes[1], other);
        assert.deepEqual(await readCertificateFiles(filesIn(directory)), other);
      } finally {
        stop();
      }
    }));

  /** Long enough for so many looks at an interval of 10 ms; the tests hold if it was fewer. */
  const looks = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10 * count));
});

/** A chain whose second certificate is cut short. */
function broken(certificate: string): string {
  return `${certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
}
