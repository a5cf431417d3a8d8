// What a client sees when what answers it is killed and started again, all over one channel.
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {Refusal, ask, call, download, refused, step, until} from './harness.mjs';
import {INSTITUTE, createEdition, createEntry, entryOf, seenBy} from './call_steps.mjs';

const DEADLINE_MS = 10_000;
const PROMPTLY_MS = 5000;

function checkRetry(refusal) {
  assert.ok(refusal.retryMs > 0, `no RetryInfo: ${refusal.message}`);
  assert.equal(refusal.about.service, 'priority-goods');
}

// UNAVAILABLE, at once and not by the deadline, from the gateway with its reason and when to call again.
async function checkAway(goods, request) {
  const began = performance.now();
  const how = {timeoutMs: DEADLINE_MS};
  const calls = Array.from({length: 20}, () => call(goods, 'CheckGoods', {codes: ['840001']}, how));
  calls.push(call(goods, 'CreateEntry', request, {...INSTITUTE, ...how}));
  const refusals = await Promise.all(calls.map(each => refused('UNAVAILABLE', 'BACKEND_UNAVAILABLE', each)));
  refusals.forEach(checkRetry);
  const took = performance.now() - began;
  assert.ok(took < PROMPTLY_MS, `took ${took} ms`);
}

// Calls again as long as the answer is UNAVAILABLE.
async function again(what, run) {
  let answer;
  await until(what, async () => {
    answer = await run().catch(error => error);
    if (answer instanceof Refusal && answer.code === 'UNAVAILABLE') return false;
    if (answer instanceof Error) throw answer;
    return true;
  });
  return answer;
}

const newChange = (name, code) =>
  ({parent: name, entry: entryOf(code), request_id: randomUUID()});

async function checkReturned(goods, watched, request) {
  const answer = await again('CheckGoods', () => call(goods, 'CheckGoods', {codes: ['840001']}));
  assert.equal(answer.results[0].verdict, 'LISTED');
  const change = await again('CreateEntry', () => call(goods, 'CreateEntry', request, INSTITUTE));
  assert.deepEqual(await call(goods, 'CreateEntry', request, INSTITUTE), change);
  const resumed = download(goods, 'WatchEntries',
                           {parent: request.parent, start_position: seenBy(watched).position + 1}, INSTITUTE);
  await until('the change in the resumed watch', () => seenBy(resumed).names.length > 0);
  resumed.cancel();
  assert.deepEqual(seenBy(resumed).names, [change.name]);
}

async function watchFrom(goods, name) {
  const watched = download(goods, 'WatchEntries', {parent: name, start_position: 1}, INSTITUTE);
  await until('a change', () => seenBy(watched).names.length > 0);
  return watched;
}

const lastHealth = watch => watch.messages.at(-1)?.status;

async function backendSteps({goods, health}) {
  let watched;
  let request;
  const healthWatch = download(health, 'Watch', {service: 'priority-goods'}, {timeoutMs: 120_000});
  await step('the backend is killed: UNAVAILABLE with RetryInfo at once, also for the open watch', async () => {
    const {name} = await createEdition(goods);
    await createEntry(goods, name, entryOf('890110'));
    watched = await watchFrom(goods, name);
    await until('SERVING', () => lastHealth(healthWatch) === 'SERVING');
    request = newChange(name, '890120');
    await ask('kill-store');
    await checkAway(goods, request);
    const ended = await watched.ended;
    assert.deepEqual([ended.code, ...ended.reasons], ['UNAVAILABLE', 'BACKEND_UNAVAILABLE']);
    checkRetry(ended);
    await until('NOT_SERVING', () => lastHealth(healthWatch) === 'NOT_SERVING');
    assert.equal((await call(health, 'Check', {service: ''})).status, 'SERVING', 'the gateway itself is there');
  });
  await step('the backend is back: the same channel answers, nothing lost, nothing twice', async () => {
    await ask('restart-store');
    await checkReturned(goods, watched, request);
    await until('SERVING', () => lastHealth(healthWatch) === 'SERVING');
    healthWatch.cancel();
  });
}

// The other end of the channel itself: its library says UNAVAILABLE, without details, and dials again.
async function doorSteps({goods}) {
  let watched;
  let request;
  await step('the door is killed: UNAVAILABLE at once', async () => {
    const {name} = await createEdition(goods);
    await createEntry(goods, name, entryOf('900110'));
    watched = await watchFrom(goods, name);
    request = newChange(name, '900120');
    await ask('kill-all');
    assert.equal((await watched.ended).code, 'UNAVAILABLE');
    const began = performance.now();
    const away = call(goods, 'CheckGoods', {codes: ['840001']}, {timeoutMs: DEADLINE_MS});
    await assert.rejects(away, {code: 'UNAVAILABLE'});
    assert.ok(performance.now() - began < PROMPTLY_MS);
  });
  await step('the door is back: the same channel answers, nothing lost, nothing twice', async () => {
    await ask('start-all');
    await checkReturned(goods, watched, request);
  });
}

export async function outageSteps(connection, mode) {
  if (mode === 'processes') await backendSteps(connection);
  await doorSteps(connection);
}
