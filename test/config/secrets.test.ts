import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mask } from "../../src/config/mask.ts";
import { formatSource } from "../../src/config/source.ts";
import { complaintsOf, FILE, load } from "./fake-files.ts";

const secret = "0123456789abcdef0123456789abcdef";

describe("a secret in a file of its own", () => {
  const secretOf = (toml: string, env = {}, more = {}) => load(toml, env, more).settings.auth.jwt?.secret?.revealText();

  test("is read from there, without its last line end", () => {
    assert.equal(secretOf('[auth.jwt]\nsecret_file = "/run/key"', {}, { "/run/key": `${secret}\n` }), secret);
    assert.equal(secretOf("", { ICEBREAKER_AUTH_JWT_SECRET_FILE: "/run/key" }, { "/run/key": secret }), secret);
  });

  test("by a bare name is looked for under $CREDENTIALS_DIRECTORY first", () => {
    const files = { "/creds/key": secret, "/srv/gateway/key": "x".repeat(32) };
    assert.equal(secretOf('[auth.jwt]\nsecret_file = "key"', { CREDENTIALS_DIRECTORY: "/creds" }, files), secret);
    assert.equal(secretOf('[auth.jwt]\nsecret_file = "key"', {}, files), "x".repeat(32));
  });

  test("of the environment comes before one in the configuration", () => {
    assert.equal(
      secretOf(
        `[auth.jwt]\nsecret = "${secret}"`,
        { ICEBREAKER_AUTH_JWT_SECRET_FILE: "k" },
        { "/srv/gateway/k": "y".repeat(32) },
      ),
      "y".repeat(32),
    );
  });

  test("says where it came from", () => {
    const { sources } = load('[database]\nurl_file = "/run/url"', {}, { "/run/url": "sqlite:/a.db" });
    assert.equal(formatSource(sources.get("database.url") ?? { kind: "default" }), `${FILE}:2, /run/url`);
  });

  test("is a complaint where it cannot be read, or stands beside the secret", () => {
    assert.deepEqual(
      complaintsOf(() => load('[database]\nurl_file = "/run/url"')),
      [`${FILE}:2:1: database.url_file names /run/url, which is not there`],
    );
    assert.deepEqual(
      complaintsOf(() => load('[database]\nurl_file = "/run/url"', {}, { "/run/url": undefined })),
      [
        `${FILE}:2:1: database.url_file names /run/url, which cannot be read (EACCES): it belongs to root, its mode is 0600, and we are icebreaker`,
      ],
    );
    assert.deepEqual(
      complaintsOf(() => load('[database]\nurl = "sqlite:a"\nurl_file = "/run/url"')),
      [`${FILE}:3:1: database.url_file and database.url are both set: keep one of the two`],
    );
  });
});

test("settings do not print their secrets", () => {
  const { settings } = load(`[auth.jwt]\nsecret = "${secret}"\n[database]\nurl = "postgres://u:hunter2@h/d"`);
  assert.equal(/0123|hunter2/.test(JSON.stringify(settings)), false);
});

describe("what may be shown of a secret", () => {
  for (const [value, shown] of [
    ["sqlite:icebreaker.db", "sqlite:icebreaker.db"],
    ["postgres://user:hunter2@db.example/ice?sslmode=require", "postgres://user:***@db.example/ice?sslmode=require"],
    ["postgres://db.example/ice?password=hunter2", "postgres://db.example/ice?password=***"],
    ["postgres://a b:c", "***"],
    [secret, "***"],
  ] as const) {
    test(shown, () => assert.equal(mask(value), shown));
  }
});
