import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allows, Regions } from "../../src/directory/regions.ts";

const endpoints = (hostname: string) => ({ hostname, udp: 3478, relay: true });
const at = (seconds: number) => ({ monotonicMs: seconds * 1000, unixMs: 1_700_000_000_000 + seconds * 1000 });
const row = (id: string, region: string, seconds: number, draining = false) => ({
  id,
  region,
  endpoints: endpoints(id),
  draining,
  heartbeatUnixMs: at(seconds).unixMs,
});
const own = { id: "own", region: "eu-central", endpoints: endpoints("own") };

describe("Regions", () => {
  test("lists the page's eight, and those that a deployment adds", () => {
    const regions = new Regions({ ...own, region: "moon-base" });
    regions.setGateways([row("a", "eu-west", 0), row("old", "mars", -3600)], at(0));
    assert.deepEqual(
      regions.list().map(({ slug, available }) => (available ? `${slug}!` : slug)),
      [
        "us-east",
        "us-west",
        "eu-central",
        "eu-west!",
        "uk-london",
        "in-mumbai",
        "ap-singapore",
        "ap-sydney",
        "mars",
        "moon-base!",
      ],
    );
    assert.ok(regions.has("mars") && regions.has("us-east") && !regions.has("venus"));
  });

  test("names its own gateway first, and others of a region in turn", () => {
    const regions = new Regions(own);
    regions.setGateways(
      [row("own", "eu-central", 0), row("b", "eu-central", 0), row("c", "us-east", 0), row("d", "us-east", 0)],
      at(0),
    );
    assert.equal(regions.endpoints("eu-central")?.hostname, "own");
    assert.deepEqual(new Set([1, 2].map(() => regions.endpoints("us-east")?.hostname)), new Set(["c", "d"]));
    assert.equal(regions.endpoints("us-west"), undefined);
    regions.setOwn(undefined);
    assert.equal(regions.endpoints("eu-central")?.hostname, "b", "while we drain, another of the region");
  });

  test("leaves out a gateway that drains", () => {
    const regions = new Regions(own);
    regions.setGateways([row("c", "us-east", 0, true)], at(0));
    assert.equal(regions.endpoints("us-east"), undefined);
  });

  test("counts a gateway as live while its heartbeat changes, whatever its clock says", () => {
    const regions = new Regions(own);
    const live = (): boolean => regions.endpoints("us-east") !== undefined;
    regions.setGateways([row("slow", "us-east", -50)], at(0));
    assert.ok(!live(), "at first sight its own time counts");
    regions.setGateways([row("slow", "us-east", -49)], at(1));
    assert.ok(live(), "it moves");
    regions.setGateways([row("slow", "us-east", -49)], at(11));
    assert.ok(live());
    regions.setGateways([row("slow", "us-east", -49)], at(11.1));
    assert.ok(!live(), "ten seconds of silence");
    regions.setGateways([row("fast", "us-east", 500)], at(12));
    assert.ok(live(), "a clock ahead of ours");
  });

  test("chooses its own region if it is enabled, else the first enabled that is live", () => {
    const regions = new Regions(own);
    regions.setGateways([row("c", "us-west", 0)], at(0));
    assert.equal(regions.defaultFor({ regions: [] }), "eu-central");
    assert.equal(regions.defaultFor({ regions: ["us-west", "eu-central"] }), "eu-central");
    assert.equal(regions.defaultFor({ regions: ["us-east", "us-west"] }), "us-west");
    assert.equal(regions.defaultFor({ regions: ["us-east", "ap-sydney"] }), "us-east");
    assert.equal(new Regions(undefined).defaultFor({ regions: [] }), "us-east");
  });
});

test("without regions a project has every one", () => {
  assert.ok(allows({ regions: [] }, "us-east"));
  assert.ok(allows({ regions: ["us-east"] }, "us-east"));
  assert.ok(!allows({ regions: ["us-east"] }, "us-west"));
});
