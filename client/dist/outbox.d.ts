/** Frames that wait for a connection: first in, first out, and never more than `capacity`. */
export declare class Outbox {
    private readonly capacity;
    private readonly frames;
    constructor(capacity: number);
    /** Takes a frame. Returns false, and does not take it, when full. */
    offer(frame: string): boolean;
    /** Hands the frames on in order until none is left or `send` returns false; a refused frame keeps its place. */
    drain(send: (frame: string) => boolean): void;
    /** Empties the outbox and returns what was in it. */
    clear(): string[];
}
