import type { Environment } from "./environment.js";

// Each of these is missing somewhere: in a worker, in Node, or in a version of it.
const page = () => globalThis.document as Document | undefined;
const scope: Partial<typeof globalThis> = globalThis;

/** The world of a page, of a worker, and of Node. */
export const browser: Environment = {
  get base() {
    return page()?.baseURI ?? scope.location?.href;
  },
  isOnline: () => scope.navigator?.onLine !== false,
  random: () => Math.random(),
  // Not randomUUID, which a page without encryption lacks.
  newId: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  onWake(callback) {
    const whenVisible = () => {
      if (page()?.visibilityState === "visible") {
        callback();
      }
    };
    const whenShownAgain = (event: Event) => {
      if ((event as PageTransitionEvent).persisted) {
        callback();
      }
    };
    const ends = [
      listen(scope, "online", callback),
      listen(scope, "pageshow", whenShownAgain),
      listen(page(), "visibilitychange", whenVisible),
      listen(page(), "resume", callback),
    ];
    return () => ends.forEach((end) => end());
  },
  openWebSocket(url, protocols) {
    if (typeof scope.WebSocket !== "function") {
      throw new TypeError("There is no WebSocket here (Node has one from version 22 on): give one in the option webSocket, such as that of the package ws.");
    }
    return new scope.WebSocket(url, protocols);
  },
  report(error) {
    if (typeof scope.reportError === "function") {
      scope.reportError(error);
      return;
    }
    queueMicrotask(() => {
      throw error;
    });
  },
};

function listen(target: Partial<EventTarget> | undefined, event: string, callback: (event: Event) => void): () => void {
  target?.addEventListener?.(event, callback);
  return () => target?.removeEventListener?.(event, callback);
}
