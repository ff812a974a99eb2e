import { expect, test } from "vitest";
import { backoffDelay } from "../src/backoff.js";

test("The longest wait doubles with each failure", () => {
  const longest = [0, 1, 2, 3].map((failures) => backoffDelay(failures, 500, 20_000, 1));

  expect(longest).toEqual([500, 1_000, 2_000, 4_000]);
});

test("No wait is longer than the cap, however many failures there were", () => {
  expect(backoffDelay(6, 500, 20_000, 1)).toBe(20_000);
  expect(backoffDelay(5_000, 500, 20_000, 1)).toBe(20_000);
});

test("The wait is a random part of the whole window", () => {
  expect(backoffDelay(2, 500, 20_000, 0)).toBe(0);
  expect(backoffDelay(2, 500, 20_000, 0.25)).toBe(500);
});

test("The first wait is the server's window, after the time that it asks for", () => {
  const waits = [0, 0.5, 1].map((random) => backoffDelay(0, 500, 20_000, random, { after: 100, within: 4_000 }));

  expect(waits).toEqual([100, 2_100, 4_100]);
  expect(backoffDelay(0, 500, 20_000, 1, { after: 0, within: 0 })).toBe(0);
});

test("Later waits spread at least as wide as the server's window, also if that is wider than the cap", () => {
  const longest = [1, 2, 3, 9].map((failures) => backoffDelay(failures, 500, 20_000, 1, { after: 0, within: 4_000 }));

  expect(longest).toEqual([8_000, 16_000, 20_000, 20_000]);
  expect(backoffDelay(3, 500, 20_000, 1, { after: 0, within: 60_000 })).toBe(60_000);
  expect(backoffDelay(1, 500, 20_000, 1, { after: 0, within: 0 })).toBe(1_000);
});

test("No wait is longer than a timer can keep", () => {
  expect(backoffDelay(0, 500, 20_000, 1, { after: 2 ** 31, within: 2 ** 31 })).toBe(2 ** 31 - 1);
});
