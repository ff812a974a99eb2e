/**
 * The full address of the server's endpoint.
 *
 * Without `url` it is `/ws` on the page's own host. A relative address starts from the page's, as a link does.
 * `https:` becomes `wss:`, and `http:` becomes `ws:`.
 *
 * @throws {TypeError} The address is none, or it needs a page's address and there is none of a web page.
 */
export function resolveUrl(url: string | undefined, base: string | undefined): string {
  const address = url || "/ws";
  let resolved: URL;
  try {
    // A worker that was made of a blob has its page's address in its own.
    resolved = new URL(address, base?.replace(/^blob:/, ""));
  } catch {
    throw new TypeError(`"${address}" leads nowhere from here: give a full ws:// or wss:// address.`);
  }
  resolved.protocol = resolved.protocol.replace(/^http/, "ws");
  resolved.hash = "";
  if (!/^wss?:$/.test(resolved.protocol)) {
    throw new TypeError(`"${address}" leads to ${resolved.href}: give a full ws:// or wss:// address.`);
  }
  return resolved.href;
}
