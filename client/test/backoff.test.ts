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
