import { expect, test } from "vitest";
import { Listeners } from "../src/listeners.js";

test("A listener that throws is reported and does not stop the others", () => {
  const reported: unknown[] = [];
  const heard: number[] = [];
  const listeners = new Listeners<[number]>((error) => void reported.push(error));
  const mistake = new Error("A mistake.");
  listeners.add(() => {
    throw mistake;
  });
  listeners.add((value) => void heard.push(value));

  listeners.emit(1);

  expect(heard).toEqual([1]);
  expect(reported).toEqual([mistake]);
});

test("A callback that was added twice is called twice, and each is taken out by itself", () => {
  const heard: number[] = [];
  const listeners = new Listeners<[number]>(() => {});
  const callback = (value: number) => void heard.push(value);
  const remove = listeners.add(callback);
  listeners.add(callback);

  listeners.emit(1);
  remove();
  remove();
  listeners.emit(2);

  expect(heard).toEqual([1, 1, 2]);
});

test("A listener that is taken out during an event is not called any more", () => {
  const heard: string[] = [];
  const listeners = new Listeners<[]>(() => {});
  listeners.add(() => removeSecond());
  const removeSecond = listeners.add(() => void heard.push("second"));

  listeners.emit();

  expect(heard).toEqual([]);
});

test("A listener that is added during an event waits for the next one", () => {
  const heard: string[] = [];
  const listeners = new Listeners<[]>(() => {});
  const remove = listeners.add(() => {
    remove();
    listeners.add(() => void heard.push("late"));
  });

  listeners.emit();
  expect(heard).toEqual([]);

  listeners.emit();
  expect(heard).toEqual(["late"]);
});
