import { expect, test } from "vitest";
import { readSettings } from "../src/settings.js";

test("The defaults are the documented ones", () => {
  expect(readSettings({})).toEqual({
    queueCapacity: 256,
    retryBase: 500,
    retryCap: 20_000,
    stableAfter: 5_000,
    connectTimeout: 10_000,
    pingInterval: 30_000,
  });
});

test.each([-1, 1.5, NaN, Infinity])("A queue capacity of %d is refused", (queueCapacity) => {
  expect(() => readSettings({ queueCapacity })).toThrow("queueCapacity");
});

test.each(["retryBase", "retryCap", "stableAfter", "connectTimeout"])("A %s that no timer can keep is refused", (name) => {
  for (const value of [0, -1, NaN, 2 ** 31]) {
    expect(() => readSettings({ [name]: value })).toThrow(name);
  }
});

test("A queue capacity of 0 is one", () => {
  expect(readSettings({ queueCapacity: 0 }).queueCapacity).toBe(0);
});

test("A pingInterval that no timer can keep is refused, and 0 means never", () => {
  for (const pingInterval of [-1, NaN, 2 ** 31]) {
    expect(() => readSettings({ pingInterval })).toThrow("pingInterval");
  }
  expect(readSettings({ pingInterval: 0 }).pingInterval).toBe(0);
});
