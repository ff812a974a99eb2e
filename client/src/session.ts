import type { Pace } from "./backoff.js";
import type { Environment } from "./environment.js";
import type { Drop, Joined, State, StateChange } from "./events.js";
import { Offer } from "./offer.js";
import { Outbox } from "./outbox.js";
import { decode, type Frame, frameOf, helloOf, MESSAGE_TOO_BIG, type Message, pingOf, PROTOCOL_ERROR, RUNNEL_V1 } from "./protocol.js";
import { Pulse } from "./pulse.js";
import { Recovery } from "./recovery.js";
import type { Settings } from "./settings.js";
import { Socket } from "./socket.js";
import type { Transport, TransportEvents } from "./transports/transport.js";

/** What the session tells its owner. None of it may throw. */
export interface SessionEvents {
  changed(change: StateChange): void;
  joined(joined: Joined): void;
  /** A frame that is not about the connection. */
  received(frame: Frame, data: unknown): void;
  dropped(drop: Drop): void;
}

/** How far a connection is: `greeting` waits for the server's hello, `v1` and `plain` are the two protocols. */
type Phase = "none" | "greeting" | "v1" | "plain";

/** Speaks the protocol that the server chooses, and keeps what has to outlive a connection. */
export class Session {
  private readonly id: string;
  private readonly offer: Offer;
  private readonly outbox: Outbox<Message>;
  private readonly recovery = new Recovery();
  private readonly pulse: Pulse;
  private readonly socket: Socket;
  private phase: Phase = "none";
  private stopAwaiting: () => void = () => {};

  constructor(
    open: (protocols: string[], events: TransportEvents) => Transport,
    protocols: readonly string[],
    private readonly settings: Settings,
    private readonly environment: Environment,
    private readonly events: SessionEvents,
  ) {
    this.id = environment.newId();
    this.offer = new Offer(protocols);
    this.outbox = new Outbox(settings.queueCapacity);
    this.pulse = new Pulse(
      environment,
      settings.pingInterval,
      (number) => void this.socket.write(pingOf(number)),
      () => this.socket.cut("The server no longer answers."),
    );
    this.socket = new Socket((transport) => open(this.offer.next(), transport), settings, environment, {
      opened: (subprotocol) => this.opened(subprotocol),
      received: (data) => this.receive(data),
      woken: () => {
        if (this.phase === "v1") {
          this.pulse.probe(settings.connectTimeout);
        }
      },
      lost: (code) => this.lost(code),
      changed: (change) => this.changed(change),
    });
  }

  get state(): State {
    return this.socket.state;
  }

  /** Sends the message, or keeps it for the next connection. Messages leave in the order of the calls. */
  send(message: Message): boolean {
    if (this.state === "closed") {
      return this.drop(message, "closed");
    }
    return this.write(message) || this.outbox.offer(message) || this.drop(message, "full");
  }

  close(): void {
    this.socket.close();
  }

  private opened(subprotocol: string): void {
    if (!this.offer.opened(subprotocol)) {
      this.socket.reopen();
    } else if (subprotocol === RUNNEL_V1) {
      this.phase = "greeting";
      this.socket.write(helloOf(this.id, this.recovery.positions.shown));
    } else {
      this.recovery.positions.clear();
      this.establish("plain");
      this.socket.connect(false);
    }
  }

  private greeted(pace: Pace | undefined): void {
    this.recovery.begin();
    this.establish("v1", pace);
    this.pulse.start();
    // A stream that the server no longer has says nothing.
    this.stopAwaiting = this.environment.after(this.settings.connectTimeout, () => {
      this.recovery.stopWaiting();
      this.settle();
    });
    this.settle();
  }

  private establish(phase: Phase, pace?: Pace): void {
    this.phase = phase;
    this.socket.establish(pace);
    // Before the listeners hear of it: what they send now was sent later, and must leave later.
    this.outbox.drain((message) => this.write(message));
  }

  private receive(data: unknown): void {
    this.pulse.heard();
    const frame = decode(data, this.phase !== "plain");
    const { positions } = this.recovery;
    switch (frame.kind) {
      case "hello":
        return this.phase === "greeting" ? this.greeted(frame.pace) : undefined;
      case "advice":
        return this.socket.advise(frame.pace);
      case "pong":
        return;
      case "joined":
        return this.join(frame);
      case "position":
        return positions.advance(frame.stream, frame.position);
      case "gone":
        return positions.remove(frame.stream, frame.tag);
      case "close":
        this.recovery.close(frame.stream);
        this.events.received(frame, data);
        return this.settle();
      default:
        this.events.received(frame, data);
    }
    // Only now, when the listeners have handled the payload.
    if (frame.kind === "payload" && frame.position !== undefined) {
      positions.advance(frame.stream, frame.position);
    }
  }

  private join({ stream, groups, lost }: Frame & { kind: "joined" }): void {
    const joined = this.recovery.join(stream, groups, lost);
    if (joined !== undefined) {
      this.events.joined(joined);
    }
    this.settle();
  }

  private settle(): void {
    if (this.phase === "v1" && this.recovery.isSettled) {
      this.stopAwaiting();
      this.socket.connect(this.recovery.isComplete);
    }
  }

  private lost(code: number): void {
    if (this.phase === "greeting" && code === PROTOCOL_ERROR) {
      this.offer.refused();
    }
    if (this.phase === "greeting" && code === MESSAGE_TOO_BIG) {
      this.recovery.positions.clear();
    }
    this.phase = "none";
    this.pulse.stop();
    this.stopAwaiting();
  }

  private changed(change: StateChange): void {
    if (change.state === "closed") {
      this.outbox.clear().forEach((message) => this.drop(message, "closed"));
    }
    this.events.changed(change);
  }

  private write(message: Message): boolean {
    return (this.phase === "v1" || this.phase === "plain") && this.socket.write(frameOf(message, this.phase === "v1"));
  }

  private drop(message: Message, cause: Drop["cause"]): false {
    this.events.dropped({ frame: frameOf(message, false), cause });
    return false;
  }
}
