// BullMQ's side of the queue benchmark: a line of words on standard input, a line of JSON on standard output, until the input ends.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

// The best of 1, 10, 25, 50, 100, 200 and 400; 10 to 200 are not far behind.
const concurrency = 100;

// As many as the other side of the comparison has.
const bytes = 256, batch = 100, bulkCallers = 8;

const usualTime = 1_000_000_000_000;
const filling = 'x'.repeat(bytes - JSON.stringify(bodyAt(usualTime, '')).length);

const answers = {
  about() {
    const { dependencies } = createRequire(import.meta.url)('./package.json');
    return `BullMQ ${dependencies.bullmq} with ioredis ${dependencies.ioredis} on Node ${process.versions.node}, worker concurrency ${concurrency}`;
  },

  enqueue: (address, callers, messages) => onQueue(address, queue =>
    costOf(messages, () => call(callers, messages, () => queue.add('work', bodyAt(usualTime))))),

  bulk: (address, messages) => onQueue(address, queue => costOf(messages, () => fill(queue, messages))),

  process: (address, messages) => onQueue(address, async queue => {
    await fill(queue, messages);
    return costOf(messages, () => work(queue, messages, () => {}));
  }),

  latency: (address, messages) => onQueue(address, async queue => {
    const late = [];
    const worked = work(queue, messages, job => late.push(performance.now() - job.data.at));
    const began = performance.now();
    for (let i = 0; i < messages; i++) {
      // Late ones are not made up for: two at once would be another measurement.
      if (performance.now() - began < i) await delay(1);
      await queue.add('work', bodyAt(performance.now()));
    }
    await worked;
    late.sort((a, b) => a - b);
    const percentile = percent => late[Math.ceil(late.length * percent / 100) - 1];
    return { P50: percentile(50), P99: percentile(99), Max: late.at(-1) };
  }),
};

const questions = createInterface({ input: process.stdin });
questions.on('line', async line => {
  const [verb, address, ...numbers] = line.split(' ');
  console.log(JSON.stringify(await answers[verb](address, ...numbers.map(Number))));
});
questions.on('close', () => process.exit());

// A connection for each measurement, since each has an empty Redis of its own.
async function onQueue(address, act) {
  const url = new URL(address);
  const prefix = url.searchParams.get('prefix');
  url.search = '';
  const connection = new Redis(url.href, { maxRetriesPerRequest: null }).on('error', fail);
  const queue = new Queue('bench', { connection, prefix, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  const result = await act(queue);
  await queue.close();
  await connection.quit();
  return result;
}

// Until so many messages are settled and the worker has stopped.
async function work(queue, messages, handle) {
  const { connection, prefix } = queue.opts;
  const worker = new Worker(queue.name, async job => { handle(job); }, { connection, prefix, concurrency });
  await new Promise(resolve => worker.on('completed', () => --messages || resolve()).on('failed', (_, error) => fail(error)).on('error', fail));
  await worker.close();
}

// Several callers, each of which waits for one call before it makes the next.
async function call(callers, calls, act) {
  const one = async () => { while (calls-- > 0) await act(); };
  await Promise.all(Array.from({ length: callers }, one));
}

async function fill(queue, messages) {
  const jobs = () => Array.from({ length: batch }, () => ({ name: 'work', data: bodyAt(usualTime) }));
  await call(bulkCallers, messages / batch, () => queue.addBulk(jobs()));
}

async function costOf(messages, act) {
  const cpu = process.cpuUsage(), began = performance.now();
  await act();
  const seconds = (performance.now() - began) / 1_000, { user, system } = process.cpuUsage(cpu);
  return { PerSecond: messages / seconds, CpuMicroseconds: (user + system) / messages };
}

function bodyAt(at, text = filling) {
  return { at, key: 0, number: 0, filling: text };
}

// Figures of a run in which something went wrong compare with nothing.
function fail(error) {
  console.error(error);
  process.exit(1);
}
