import { expect, test } from "vitest";
import { resolveUrl } from "../src/url.js";

const secure = { protocol: "https:", host: "example.test" };
const plain = { protocol: "http:", host: "localhost:5000" };

test("Without an address it is /ws on the page's host", () => {
  expect(resolveUrl(undefined, secure)).toBe("wss://example.test/ws");
  expect(resolveUrl("", secure)).toBe("wss://example.test/ws");
});

test("A path leads to the page's host and port, without encryption on a plain page", () => {
  expect(resolveUrl("/chat/?room=1", plain)).toBe("ws://localhost:5000/chat/?room=1");
});

test("A full address is left as it is, page or no page", () => {
  expect(resolveUrl("ws://other.test/ws", secure)).toBe("ws://other.test/ws");
  expect(resolveUrl("wss://other.test/ws", undefined)).toBe("wss://other.test/ws");
});

test("An address that needs a host is refused where there is none", () => {
  expect(() => resolveUrl("/ws", undefined)).toThrow("give a full ws:// or wss:// address");
  expect(() => resolveUrl("/ws", { protocol: "file:", host: "" })).toThrow(TypeError);
});
