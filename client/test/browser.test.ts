import { afterEach, expect, test, vi } from "vitest";
import { browser } from "../src/browser.js";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function stubPage() {
  const window = new EventTarget();
  const page = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("removeEventListener", window.removeEventListener.bind(window));
  return { window, page };
}

test("The browser wakes a client when the network returns and when the page is shown, not when it is hidden", () => {
  const { window, page } = stubPage();
  const wake = vi.fn();
  browser.onWake(wake);

  page.dispatchEvent(new Event("visibilitychange"));
  expect(wake).toHaveBeenCalledTimes(0);

  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  window.dispatchEvent(new Event("online"));
  expect(wake).toHaveBeenCalledTimes(2);
});

test("A page that was frozen, or comes back from the browser's cache, wakes a client", () => {
  const { window, page } = stubPage();
  const wake = vi.fn();
  browser.onWake(wake);

  window.dispatchEvent(new Event("pageshow"));
  expect(wake).toHaveBeenCalledTimes(0);

  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  page.dispatchEvent(new Event("resume"));
  expect(wake).toHaveBeenCalledTimes(2);
});

test("Node has no page, no events and perhaps no WebSocket, and needs none until a socket is opened", () => {
  for (const missing of ["document", "location", "navigator", "addEventListener", "removeEventListener", "WebSocket"]) {
    vi.stubGlobal(missing, undefined);
  }

  browser.onWake(() => {})();

  expect(browser.base).toBeUndefined();
  expect(browser.isOnline()).toBe(true);
  expect(() => browser.openWebSocket("ws://localhost", [])).toThrow("give one in the option webSocket");
});

test("A worker knows its address and whether there is a network", () => {
  vi.stubGlobal("location", { href: "https://example.test/worker.js" });
  vi.stubGlobal("navigator", { onLine: false });

  expect(browser.base).toBe("https://example.test/worker.js");
  expect(browser.isOnline()).toBe(false);
});

test("Clients are told apart by strings that nobody guesses", () => {
  expect(browser.newId()).toMatch(/^[0-9a-f]{32}$/);
  expect(browser.newId()).not.toBe(browser.newId());
});

test("A client that no longer listens is not woken", () => {
  const { window, page } = stubPage();
  const wake = vi.fn();
  const stop = browser.onWake(wake);
  page.visibilityState = "visible";

  stop();
  page.dispatchEvent(new Event("visibilitychange"));
  window.dispatchEvent(new Event("online"));

  expect(wake).not.toHaveBeenCalled();
});

test("A timer of the browser can be cancelled", () => {
  vi.useFakeTimers();
  const callback = vi.fn();
  browser.after(100, callback);
  const cancel = browser.after(100, callback);

  cancel();
  vi.advanceTimersByTime(100);

  expect(callback).toHaveBeenCalledTimes(1);
});

test("A listener's mistake is reported to the page", () => {
  const reportError = vi.fn();
  vi.stubGlobal("reportError", reportError);
  const mistake = new Error("A mistake.");

  browser.report(mistake);

  expect(reportError).toHaveBeenCalledWith(mistake);
});

test("Where the page takes no reports, a listener's mistake is thrown outside of the client", () => {
  vi.stubGlobal("reportError", undefined);
  const tasks: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => tasks.push(task));

  browser.report(new Error("A mistake."));

  expect(tasks).toHaveLength(1);
  expect(tasks[0]).toThrow("A mistake.");
});
