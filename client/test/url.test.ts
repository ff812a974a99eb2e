import { expect, test } from "vitest";
import { resolveUrl } from "../src/url.js";

const secure = "https://example.test/shop/cart?item=1#top";
const plain = "http://localhost:5000/";

test("Without an address it is /ws on the page's host", () => {
  expect(resolveUrl(undefined, secure)).toBe("wss://example.test/ws");
  expect(resolveUrl("", secure)).toBe("wss://example.test/ws");
});

test("A path leads to the page's host and port, without encryption on a plain page", () => {
  expect(resolveUrl("/chat/?room=1", plain)).toBe("ws://localhost:5000/chat/?room=1");
});

test("A relative address starts from the page, so an application under a prefix finds its own", () => {
  expect(resolveUrl("ws/orders", secure)).toBe("wss://example.test/shop/ws/orders");
  expect(resolveUrl("../ws", secure)).toBe("wss://example.test/ws");
});

test("A full address is left as it is, page or no page, and http becomes ws", () => {
  expect(resolveUrl("ws://other.test/ws", secure)).toBe("ws://other.test/ws");
  expect(resolveUrl("wss://other.test/ws", undefined)).toBe("wss://other.test/ws");
  expect(resolveUrl("https://other.test:8443/ws#part", undefined)).toBe("wss://other.test:8443/ws");
});

test("A worker that was made of a blob starts from its page's host", () => {
  expect(resolveUrl("/ws", "blob:https://example.test/3f0c")).toBe("wss://example.test/ws");
});

test.each([undefined, "", "about:blank", "file:///home/page.html"])("An address that needs a host is refused at %j", (base) => {
  expect(() => resolveUrl("/ws", base)).toThrow("give a full ws:// or wss:// address");
});
