import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LineWriter } from "../../src/observe/line-writer.ts";

/** A disk with room for so many octets. */
class Disk {
  text = "";
  room = 0;

  readonly write = (octets: Uint8Array): number => {
    if (this.room === 0) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    const taken = octets.subarray(0, this.room);
    this.room -= taken.length;
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  };
}

describe("lines of a log", () => {
  test("are written at once, in their order", () => {
    const disk = new Disk();
    disk.room = 100;
    const lines = new LineWriter((lost) => `${lost} lost\n`, disk.write);
    lines.write("one\n");
    lines.write("two\n");
    assert.equal(disk.text, "one\ntwo\n");
  });

  test("are lost while there is no room, and how many is said when there is", () => {
    const disk = new Disk();
    const lines = new LineWriter((lost) => `${lost} lost\n`, disk.write);
    for (let i = 0; i < 1000; i++) lines.write(`line ${i}\n`);
    disk.room = 100;
    lines.write("last\n");
    lines.write("after that\n");
    assert.equal(disk.text, "1000 lost\nlast\nafter that\n");
  });

  test("stay whole: one of which the beginning was written is ended first", () => {
    const disk = new Disk();
    disk.room = 3;
    const lines = new LineWriter((lost) => `${lost} lost\n`, disk.write);
    lines.write("first\n");
    lines.write("second\n");
    assert.equal(disk.text, "fir");
    disk.room = 100;
    lines.write("third\n");
    assert.match(disk.text, /^first\n2 lost\nthird\n$/);
  });
});
