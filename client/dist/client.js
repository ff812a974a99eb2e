/*! @runnel/client 0.1.0, MIT licence. Built from client/src by "npm run build"; do not edit. */

// src/environment.ts
var browser = {
  get page() {
    return globalThis.location;
  },
  random: () => Math.random(),
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  onWake(callback) {
    const page = globalThis.document;
    const whenVisible = () => {
      if (page?.visibilityState === "visible") {
        callback();
      }
    };
    globalThis.addEventListener("online", callback);
    page?.addEventListener("visibilitychange", whenVisible);
    return () => {
      globalThis.removeEventListener("online", callback);
      page?.removeEventListener("visibilitychange", whenVisible);
    };
  },
  openWebSocket: (url, protocols) => new WebSocket(url, protocols),
  report(error) {
    if (typeof globalThis.reportError === "function") {
      globalThis.reportError(error);
      return;
    }
    queueMicrotask(() => {
      throw error;
    });
  }
};

// src/listeners.ts
var Listeners = class {
  /** @param report Gets what a callback throws. */
  constructor(report) {
    this.report = report;
    this.entries = /* @__PURE__ */ new Set();
  }
  /** Whether nobody listens. */
  get isEmpty() {
    return this.entries.size === 0;
  }
  /**
   * Adds a callback. A callback that was added twice is called twice.
   *
   * @returns A function that takes this callback out again, at once, also during an event. Calling it again does nothing.
   */
  add(callback) {
    const entry = { callback };
    this.entries.add(entry);
    return () => void this.entries.delete(entry);
  }
  /**
   * Calls every callback, in the order in which they were added. One that throws is reported and does not stop the others.
   * One that is added meanwhile waits for the next event.
   */
  emit(...args) {
    for (const entry of [...this.entries]) {
      if (this.entries.has(entry)) {
        this.call(entry.callback, args);
      }
    }
  }
  call(callback, args) {
    try {
      callback(...args);
    } catch (error) {
      this.report(error);
    }
  }
};

// src/options.ts
var LONGEST_TIMER = 2 ** 31 - 1;
function readSettings(options) {
  return {
    queueCapacity: capacity("queueCapacity", options.queueCapacity ?? 256),
    retryBase: time("retryBase", options.retryBase ?? 500),
    retryCap: time("retryCap", options.retryCap ?? 2e4),
    stableAfter: time("stableAfter", options.stableAfter ?? 5e3),
    connectTimeout: time("connectTimeout", options.connectTimeout ?? 1e4)
  };
}
function capacity(name, value) {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`The option ${name} must be a whole number of messages, 0 or more; it is ${value}.`);
  }
  return value;
}
function time(name, value) {
  if (!(value > 0 && value <= LONGEST_TIMER)) {
    throw new RangeError(`The option ${name} must be more than 0 and at most ${LONGEST_TIMER} milliseconds; it is ${value}.`);
  }
  return value;
}

// src/protocol.ts
var ABNORMAL_CLOSURE = 1006;
var NORMAL_CLOSURE = 1e3;
var NO_STATUS = 1005;
var POLICY_VIOLATION = 1008;
function mayComeBack(code) {
  return code !== POLICY_VIOLATION && !(code >= 4400 && code <= 4499);
}
function encode(value) {
  const text = JSON.stringify(value);
  if (text === void 0) {
    throw new TypeError("This value has no JSON form and cannot be sent: send an object, an array or a plain value.");
  }
  return text;
}
function encodeForStream(stream, payload) {
  return `{"stream":${encode(stream)},"payload":${encode(payload)}}`;
}
function decode(data) {
  if (typeof data !== "string") {
    return { kind: "malformed", error: new Error("The server sent a binary frame; this client reads JSON text only.") };
  }
  let message;
  try {
    message = JSON.parse(data);
  } catch (error) {
    return { kind: "malformed", error: new Error(`The server sent a frame that is not JSON: ${error.message}`) };
  }
  return isObject(message) && typeof message.stream === "string" ? decodeForStream(message.stream, message) : { kind: "message", message };
}
function decodeForStream(stream, frame) {
  if ("payload" in frame) {
    return { kind: "payload", stream, payload: frame.payload };
  }
  if (typeof frame.error === "string") {
    return { kind: "error", stream, error: frame.error };
  }
  if (isObject(frame.close)) {
    const { code, reason } = frame.close;
    return {
      kind: "close",
      stream,
      code: typeof code === "number" ? code : NO_STATUS,
      reason: typeof reason === "string" ? reason : ""
    };
  }
  return { kind: "unknown", stream };
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// src/backoff.ts
function backoffDelay(failures, base, cap, random) {
  return random * Math.min(cap, base * 2 ** failures);
}

// src/outbox.ts
var Outbox = class {
  constructor(capacity2) {
    this.capacity = capacity2;
    this.frames = [];
  }
  /** Takes a frame. Returns false, and does not take it, when full. */
  offer(frame) {
    if (this.frames.length >= this.capacity) {
      return false;
    }
    this.frames.push(frame);
    return true;
  }
  /** Hands the frames on in order until none is left or `send` returns false; a refused frame keeps its place. */
  drain(send) {
    while (this.frames[0] !== void 0 && send(this.frames[0])) {
      this.frames.shift();
    }
  }
  /** Empties the outbox and returns what was in it. */
  clear() {
    return this.frames.splice(0);
  }
};

// src/socket.ts
var Socket = class {
  constructor(openTransport, settings, environment, events) {
    this.openTransport = openTransport;
    this.settings = settings;
    this.environment = environment;
    this.events = events;
    this.current = "connecting";
    this.changes = [];
    this.failures = 0;
    // One is enough: an attempt has a time limit, a wait has an end, and a connection has neither.
    this.cancelTimer = () => {
    };
    this.outbox = new Outbox(settings.queueCapacity);
    this.open();
    this.stopWaking = environment.onWake(() => this.hurry());
  }
  get state() {
    return this.current;
  }
  /** Sends the frame, or keeps it for the next connection. Frames leave in the order of the calls. */
  send(frame) {
    if (this.current === "closed") {
      return this.drop(frame, "closed");
    }
    if (this.transport?.send(frame)) {
      return true;
    }
    return this.outbox.offer(frame) || this.drop(frame, "full");
  }
  close() {
    if (this.current !== "closed") {
      this.finish(NORMAL_CLOSURE, "");
    }
  }
  open() {
    this.transport = this.openTransport({
      opened: () => this.opened(),
      received: (data) => this.events.received(data),
      closed: (code, reason) => this.lost(code, reason)
    });
    this.cancelTimer = this.environment.after(this.settings.connectTimeout, () => this.giveUp());
  }
  opened() {
    this.cancelTimer();
    this.openedAt = this.environment.now();
    this.current = "connected";
    this.outbox.drain((frame) => this.transport?.send(frame) ?? false);
    this.tell({ state: "connected" });
  }
  giveUp() {
    this.transport?.close();
    this.lost(ABNORMAL_CLOSURE, "The server did not answer in time.");
  }
  lost(code, reason) {
    this.cancelTimer();
    this.transport = void 0;
    if (!mayComeBack(code)) {
      this.finish(code, reason);
      return;
    }
    this.failures = this.wasStable() ? 0 : this.failures;
    this.openedAt = void 0;
    this.waitAndRetry();
    if (this.current !== "reconnecting") {
      this.current = "reconnecting";
      this.tell({ state: "reconnecting", code, reason });
    }
  }
  // A server that accepts and closes at once has not recovered; an open alone must not make the waits small again.
  wasStable() {
    return this.openedAt !== void 0 && this.environment.now() - this.openedAt >= this.settings.stableAfter;
  }
  waitAndRetry() {
    const { retryBase, retryCap } = this.settings;
    const delay = backoffDelay(this.failures, retryBase, retryCap, this.environment.random());
    this.failures += 1;
    this.cancelTimer = this.environment.after(delay, () => this.retry());
  }
  retry() {
    try {
      this.open();
    } catch {
      this.lost(ABNORMAL_CLOSURE, "The browser refused to open a connection.");
    }
  }
  hurry() {
    const isWaiting = this.current === "reconnecting" && this.transport === void 0;
    if (isWaiting) {
      this.cancelTimer();
      this.retry();
    }
  }
  finish(code, reason) {
    this.current = "closed";
    this.cancelTimer();
    this.stopWaking();
    this.transport?.close();
    this.transport = void 0;
    this.outbox.clear().forEach((frame) => this.drop(frame, "closed"));
    this.tell({ state: "closed", code, reason });
  }
  drop(frame, cause) {
    this.events.dropped({ frame, cause });
    return false;
  }
  // A listener may cause the next change, by close(). The others must still hear of both in their order.
  tell(change) {
    this.changes.push(change);
    if (this.changes.length > 1) {
      return;
    }
    while (this.changes[0] !== void 0) {
      this.events.changed(this.changes[0]);
      this.changes.shift();
    }
  }
};

// src/streams.ts
var Streams = class {
  constructor(events, report) {
    this.events = events;
    this.report = report;
    this.byName = /* @__PURE__ */ new Map();
    this.plain = new Listeners(report);
  }
  listen(callback) {
    return this.plain.add(callback);
  }
  demultiplex(stream, callback) {
    const listeners = this.byName.get(stream) ?? new Listeners(this.report);
    this.byName.set(stream, listeners);
    return listeners.add(callback);
  }
  /** Reads a frame and hands it on. Never throws. */
  receive(data) {
    const frame = decode(data);
    switch (frame.kind) {
      case "message":
        return this.plain.emit(frame.message);
      case "payload":
        return this.deliver(frame.stream, frame.payload);
      case "error":
        return this.events.failed({ stream: frame.stream, error: frame.error });
      case "close":
        return this.events.closed({ stream: frame.stream, code: frame.code, reason: frame.reason });
      case "unknown":
        return this.events.ignored();
      case "malformed":
        return this.events.malformed({ error: frame.error, data });
    }
  }
  deliver(stream, payload) {
    const listeners = this.byName.get(stream);
    if (listeners === void 0 || listeners.isEmpty) {
      this.events.ignored();
      return;
    }
    listeners.emit(payload, stream);
  }
};

// src/transports/websocket.ts
var OPEN = 1;
function overWebSocket(socket, events) {
  socket.onopen = () => events.opened();
  socket.onmessage = (event) => events.received(event.data);
  socket.onclose = (event) => events.closed(event.code, event.reason);
  return {
    send(frame) {
      if (socket.readyState !== OPEN) {
        return false;
      }
      socket.send(frame);
      return true;
    },
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(NORMAL_CLOSURE);
    }
  };
}

// src/url.ts
function resolveUrl(url, page) {
  const address = url || "/ws";
  if (!address.startsWith("/")) {
    return address;
  }
  if (!page?.host) {
    throw new TypeError(`"${address}" needs the host of a page, and there is none here: give a full ws:// or wss:// address.`);
  }
  return `${page.protocol === "https:" ? "wss:" : "ws:"}//${page.host}${address}`;
}

// src/client.ts
var Client = class {
  /** See {@link connect}, which does the same. */
  constructor(url, options = {}) {
    this.counts = { dropped: 0, malformed: 0, ignored: 0 };
    const environment = { ...browser, ...options.environment };
    const report = (error) => environment.report(error);
    const address = resolveUrl(url, environment.page);
    const protocols = [options.protocols ?? []].flat();
    this.events = {
      state: new Listeners(report),
      drop: new Listeners(report),
      error: new Listeners(report),
      streamerror: new Listeners(report),
      streamclose: new Listeners(report)
    };
    this.streams = new Streams(
      {
        failed: (error) => this.events.streamerror.emit(error),
        closed: (close) => this.events.streamclose.emit(close),
        malformed: (frame) => {
          this.counts.malformed += 1;
          this.events.error.emit(frame);
        },
        ignored: () => {
          this.counts.ignored += 1;
        }
      },
      report
    );
    this.socket = new Socket(
      (events) => overWebSocket(environment.openWebSocket(address, protocols), events),
      readSettings(options),
      environment,
      {
        changed: (change) => this.events.state.emit(change),
        received: (data) => this.streams.receive(data),
        dropped: (drop) => {
          this.counts.dropped += 1;
          this.events.drop.emit(drop);
        }
      }
    );
  }
  /** Where the client stands now. */
  get state() {
    return this.socket.state;
  }
  /** How many messages were not sent and will not be. Each was also told to the `drop` listeners. */
  get dropped() {
    return this.counts.dropped;
  }
  /** How many frames of the server could not be read. Each was also told to the `error` listeners. */
  get malformed() {
    return this.counts.malformed;
  }
  /** How many frames were passed over because nobody listens to their stream or their kind is not known. */
  get ignored() {
    return this.counts.ignored;
  }
  /**
   * Calls back with every message that is not for a stream, parsed, in the order of the server.
   *
   * @typeParam TMessage The caller's word for what the server sends; it is not checked.
   * @returns A function that ends it.
   */
  listen(callback) {
    return this.streams.listen((message) => callback(message));
  }
  /**
   * Calls back with every payload of one stream, in the order of the server. Frames of a stream without a callback are
   * ignored and counted.
   *
   * @typeParam TPayload The caller's word for what the server sends; it is not checked.
   * @returns A function that ends it.
   */
  demultiplex(stream, callback) {
    return this.streams.demultiplex(stream, (payload, name) => callback(payload, name));
  }
  /**
   * Calls back at each event of this name; see {@link ClientEvents}.
   *
   * @returns A function that ends it.
   * @throws {TypeError} There is no event of this name.
   */
  on(event, callback) {
    if (!Object.keys(this.events).includes(event)) {
      throw new TypeError(`There is no event "${event}"; the events are ${Object.keys(this.events).join(", ")}.`);
    }
    return this.events[event].add(callback);
  }
  /**
   * Sends a value as a JSON text frame. It is encoded before the call returns, so it may be changed afterwards.
   *
   * While there is no connection the message waits, in a queue with a bound, and leaves with the next connection.
   * Messages leave in the order of the calls. A message that was handed to an open socket is not sent again if the
   * connection then breaks: each leaves at most once, and only an answer of the server tells that it has arrived.
   *
   * @returns False if the message was dropped, because the queue is full or the client is closed. It was counted.
   * @throws {TypeError} JSON has no form for the value.
   */
  send(value) {
    return this.socket.send(encode(value));
  }
  /** The stream of this name. Asking opens nothing and costs nothing; ask as often as is handy. */
  stream(name) {
    return { name, send: (payload) => this.socket.send(encodeForStream(name, payload)) };
  }
  /**
   * Closes the connection for good, with code 1000. No message is delivered after this; what still waits to be sent is
   * dropped and counted. Closing again does nothing.
   */
  close() {
    this.socket.close();
  }
};
function connect(url, options) {
  return new Client(url, options);
}
export {
  Client,
  connect
};
