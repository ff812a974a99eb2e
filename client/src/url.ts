/** The part of the page's address that decides where a relative address leads. */
export interface PageAddress {
  /** The scheme with its colon, such as `https:`. */
  readonly protocol: string;
  /** The host with its port, if it has one. */
  readonly host: string;
}

/**
 * The full address of the server's endpoint.
 *
 * Without `url` it is `/ws` on the page's own host. An address that starts with `/` is a path on that host.
 * A secure page gets `wss:`, any other `ws:`. Every other address is returned as it is.
 *
 * @throws {TypeError} The address needs the page's host, and there is no page or it has no host.
 */
export function resolveUrl(url: string | undefined, page: PageAddress | undefined): string {
  const address = url || "/ws";
  if (!address.startsWith("/")) {
    return address;
  }
  if (!page?.host) {
    throw new TypeError(`"${address}" needs the host of a page, and there is none here: give a full ws:// or wss:// address.`);
  }
  return `${page.protocol === "https:" ? "wss:" : "ws:"}//${page.host}${address}`;
}
