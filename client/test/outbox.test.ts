import { expect, test } from "vitest";
import { Outbox } from "../src/outbox.js";

test("Frames leave in the order in which they came", () => {
  const outbox = new Outbox<string>(3);
  const sent: string[] = [];
  ["a", "b", "c"].forEach((frame) => outbox.offer(frame));

  outbox.drain((frame) => sent.push(frame) > 0);

  expect(sent).toEqual(["a", "b", "c"]);
  expect(outbox.clear()).toEqual([]);
});

test("A frame that is refused on the way out keeps its place, before the later ones", () => {
  const outbox = new Outbox<string>(3);
  ["a", "b", "c"].forEach((frame) => outbox.offer(frame));

  outbox.drain((frame) => frame === "a");

  expect(outbox.clear()).toEqual(["b", "c"]);
});

test("A full outbox takes nothing more until something has left", () => {
  const outbox = new Outbox<string>(1);

  expect([outbox.offer("a"), outbox.offer("b")]).toEqual([true, false]);

  outbox.drain(() => true);

  expect(outbox.offer("c")).toBe(true);
});
