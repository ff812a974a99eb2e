import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** A server on a real socket, which chooses this subprotocol if it is offered. The test speaks for it. */
export class Server implements AsyncDisposable {
  /** The subprotocols of each handshake. */
  readonly offers: string[][] = [];
  private readonly waiting: ((peer: Peer) => void)[] = [];
  private readonly peers: Peer[] = [];

  private constructor(
    private readonly server: WebSocketServer,
    readonly port: number,
  ) {
    server.on("headers", (_, request) => this.offers.push((request.headers["sec-websocket-protocol"] ?? "").split(",").filter(Boolean)));
    server.on("connection", (socket) => {
      const peer = new Peer(socket);
      const waiter = this.waiting.shift();
      waiter === undefined ? this.peers.push(peer) : waiter(peer);
    });
  }

  static async start(subprotocol: string | false, port = 0): Promise<Server> {
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port,
      handleProtocols: (offered) => subprotocol !== false && offered.has(subprotocol) && subprotocol,
    });
    await once(server, "listening");
    return new Server(server, (server.address() as AddressInfo).port);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** The next client that connects. */
  accept(): Promise<Peer> {
    const peer = this.peers.shift();
    return peer === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(peer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.clients.forEach((client) => client.terminate());
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** The server's end of one connection. */
export class Peer {
  private readonly received: unknown[] = [];
  private readonly waiting: ((message: any) => void)[] = [];

  constructor(private readonly socket: WebSocket) {
    socket.on("message", (data) => {
      const message = JSON.parse(String(data));
      const waiter = this.waiting.shift();
      waiter === undefined ? this.received.push(message) : waiter(message);
    });
  }

  receive(): Promise<any> {
    return this.received.length > 0 ? Promise.resolve(this.received.shift()) : new Promise((resolve) => this.waiting.push(resolve));
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Breaks the connection off, without a close. */
  cut(): void {
    this.socket.terminate();
  }
}
