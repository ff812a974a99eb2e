/** A position that a client has of a group, as it shows it to the server. */
export interface Shown {
  /** Absent for the consumer that has the socket to itself. */
  readonly stream?: string;
  readonly position: string;
  readonly seal: string;
}

/** What a stream is told of one of its groups when it has joined it. */
export interface JoinedGroup {
  readonly outcome: string;
  readonly position?: string;
  readonly seal?: string;
}

/** The last position of each group of each stream, by the rules of docs/protocol.md, "Positions". */
export class Positions {
  private readonly streams = new Map<string, Map<string, { position: string; readonly seal: string }>>();

  /** Everything, as a hello shows it. */
  get shown(): Shown[] {
    return [...this.streams].flatMap(([stream, tags]) =>
      [...tags.values()].map((entry) => (stream === "" ? { ...entry } : { stream, ...entry })),
    );
  }

  /** A stream has joined groups. The first time on a connection, they are all that it is in. */
  joined(stream: string, groups: readonly JoinedGroup[], isFirst: boolean): void {
    const tags = (!isFirst && this.streams.get(stream)) || new Map();
    this.streams.set(stream, tags);
    for (const { position, seal } of groups) {
      if (position !== undefined && seal !== undefined) {
        tags.set(tagOf(position), { position, seal });
      }
    }
  }

  /** Everything up to here has been handled. */
  advance(stream: string, position: string): void {
    const entry = this.streams.get(stream)?.get(tagOf(position));
    if (entry !== undefined) {
      entry.position = position;
    }
  }

  /** Messages of the group are missing, or the stream has left it. */
  remove(stream: string, tag: string): void {
    this.streams.get(stream)?.delete(tag);
  }

  /** The stream is closed. */
  close(stream: string): void {
    this.streams.delete(stream);
  }

  clear(): void {
    this.streams.clear();
  }
}

function tagOf(position: string): string {
  return position.split(".", 1)[0]!;
}
