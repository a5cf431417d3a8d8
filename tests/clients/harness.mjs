// What the steps of the client test share: the packages, the messages of the tree, a connection and its refusals,
// and the count of what passed. Everything about this run comes by environment from run_client_test.py.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

// The packages lie in the build tree, where a bare import from here does not look.
export const packages = createRequire(path.join(process.env.NISI_PACKAGES, 'package.json'));
export const grpc = packages('@grpc/grpc-js');
export const protoLoader = packages('@grpc/proto-loader');
export const {GrpcReflection} = packages('grpc-js-reflection-client');

export const MODE = process.env.NISI_MODE;
const ADDRESS = process.env.NISI_ADDRESS;
const TOKENS = JSON.parse(process.env.NISI_TOKENS);
export const TO_GOODS = {'nisi-service': 'priority-goods'};  // names the process meant by a standard service
export const LOADING = {keepCase: true, longs: String, enums: String, defaults: true, oneofs: true};

const PROTOS = ['nisi/priority_goods/v1/service.proto', 'nisi/suppliers/v1/service.proto',
                'nisi/industry_map/v1/service.proto', 'nisi/industry_map/v1/places.proto',
                'nisi/clusters/v1/service.proto', 'nisi/clusters/v1/supports.proto',
                'nisi/grants/v1/service.proto', 'nisi/grants/v1/agreement_service.proto',
                'nisi/export_refunds/v1/service.proto', 'nisi/contracts/v1/planning_service.proto',
                'nisi/contracts/v1/contracts_service.proto',
                'nisi/disclosure/v1/disclosure.proto', 'nisi/journal/v1/journal.proto', 'nisi/store/v1/store.proto',
                'google/rpc/status.proto', 'google/rpc/error_details.proto', 'grpc/health/v1/health.proto'];
export const definitions = protoLoader.loadSync(PROTOS, {...LOADING, includeDirs: [process.env.NISI_PROTO]});

// Reflection as its package ships it; `version` is v1 or v1alpha.
export function reflectionDefinition(version) {
  const file = path.join(path.dirname(packages.resolve('grpc-js-reflection-client/package.json')), 'proto', version);
  return protoLoader.loadSync(`${file}.proto`, LOADING)[`grpc.reflection.${version}.ServerReflection`];
}

export function credentials() {
  const ca = process.env.NISI_CA;
  return ca ? grpc.credentials.createSsl(readFileSync(ca)) : grpc.credentials.createInsecure();
}

// One channel and the clients over it. A client with other credentials or options makes its own connection.
export class Connection {
  constructor({options = {}, secret = credentials()} = {}) {
    this.secret = secret;
    this.channel = new grpc.Channel(ADDRESS, secret, options);
    this.goods = this.client(definitions['nisi.priority_goods.v1.PriorityGoodsService']);
    this.journal = this.client(definitions['nisi.journal.v1.JournalService']);
    this.health = this.client(definitions['grpc.health.v1.Health']);
  }

  client(definition) {
    const Client = grpc.makeGenericClientConstructor(definition, 'client');
    return new Client(ADDRESS, this.secret, {channelOverride: this.channel});
  }

  // The package's reflection client insists on a channel of its own.
  reflection(version = 'v1alpha') {
    return new GrpcReflection(ADDRESS, this.secret, {}, version);
  }

  close() {
    this.channel.close();
  }
}

// A call that did not end well, as its caller sees it: code, the reasons of all ErrorInfos and what else came with it.
export class Refusal extends Error {
  constructor({code, details, metadata}) {
    super();
    Object.assign(this, {code: grpc.status[code], details, trailers: metadata, reasons: [], about: {}, articles: [],
                         violations: [], retryMs: null});
    const wire = metadata.get('grpc-status-details-bin')[0];
    this.status = wire === undefined ? null : definitions['google.rpc.Status'].deserialize(wire);
    for (const detail of this.status?.details ?? []) this.add(detail);
    this.message = `${this.code} ${this.reasons} ${this.violations} ${details}`;
  }

  add({type_url: url, value}) {
    const type = url.replace('type.googleapis.com/', '');
    assert.ok(type in definitions, `a detail of unknown type ${url}`);
    const detail = definitions[type].deserialize(value);
    if (type === 'google.rpc.ErrorInfo') {
      this.reasons.push(detail.reason);
      Object.assign(this.about, detail.metadata);
    } else if (type === 'nisi.rpc.v1.LegalBasis') {
      this.articles.push(detail.article);
    } else if (type === 'google.rpc.BadRequest') {
      this.violations.push(...detail.field_violations.map(violation => violation.field));
    } else if (type === 'google.rpc.RetryInfo') {
      this.retryMs = Number(detail.retry_delay.seconds) * 1000 + detail.retry_delay.nanos / 1e6;
    }
  }
}

export function headers({role, token, extra = {}} = {}) {
  const metadata = new grpc.Metadata();
  if (role !== undefined) assert.ok(role in TOKENS, `no token for ${role}`);
  const bearer = token ?? TOKENS[role];
  if (bearer !== undefined) metadata.set('authorization', `Bearer ${bearer}`);
  for (const [key, value] of Object.entries(extra)) metadata.set(key, value);
  return metadata;
}

const inTime = ({timeoutMs = 20_000}) => ({deadline: Date.now() + timeoutMs});

// Settles when the call is over, not when its answer is there: the trailing metadata come after the answer.
function settled(start) {
  let call;
  const outcome = new Promise((resolve, reject) => {
    let answer;
    call = start((error, value) => {
      answer = value;
    });
    call.on('status', status => {
      if (status.code !== grpc.status.OK) reject(new Refusal(status));
      else resolve({answer, trailers: status.metadata});
    });
  });
  outcome.catch(() => {});  // whoever started it may be waiting for something else
  return {call, outcome};
}

// A running unary call: {call, outcome: a promise of {answer, trailers}}.
export function start(client, method, request, how = {}) {
  return settled(callback => client[method](request, headers(how), inTime(how), callback));
}

export async function call(client, method, request, how = {}) {
  return (await start(client, method, request, how).outcome).answer;
}

// A running upload; write to .call.
export function upload(client, method, how = {}) {
  return settled(callback => client[method](headers(how), inTime(how), callback));
}

// A running download: .messages grows, .ended is a promise of null or the Refusal it ended with.
export function download(client, method, request, how = {}) {
  const stream = client[method](request, headers(how), inTime(how));
  return listen(stream);
}

export function listen(stream) {
  const messages = [];
  stream.on('data', message => messages.push(message));
  stream.on('error', () => {});  // the status says the same
  const over = new Promise(resolve => {
    stream.on('end', resolve);
    stream.on('close', resolve);
  });
  const status = new Promise(resolve => {
    stream.on('status', resolve);
  });
  const ended = Promise.all([status, over]).then(([last]) => (last.code === grpc.status.OK ? null : new Refusal(last)));
  return {stream, messages, ended, cancel: () => stream.cancel()};
}

// The Refusal of something that must be refused so, with exactly one ErrorInfo.
export async function refused(code, reason, promise) {
  const refusal = await promise.then(answer => assert.fail(`not refused: ${JSON.stringify(answer).slice(0, 300)}`),
                                     error => error);
  if (!(refusal instanceof Refusal)) throw refusal;
  assert.deepEqual([refusal.code, ...refusal.reasons], [code, reason], refusal.message);
  assert.equal(grpc.status[refusal.status.code], code, 'the status in the details says another code');
  assert.equal(refusal.status.message, refusal.details);
  return refusal;
}

export const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

export async function until(what, good, ms = 20_000) {
  const limit = Date.now() + ms;
  while (!(await good())) {
    assert.ok(Date.now() < limit, `${what}: not within ${ms} ms`);
    await pause(10);
  }
}

// Asks run_client_test.py to do something to the suite.
const replies = readline.createInterface({input: process.stdin})[Symbol.asyncIterator]();
export async function ask(command) {
  console.log(`driver: ${command}`);
  assert.deepEqual(await replies.next(), {value: 'done', done: false});
}

const count = {passed: 0, failed: 0};

// Steps build on each other: a failed one may take later ones with it, so the first is the one to look at.
export async function step(name, run, limitMs = 60_000) {
  const started = performance.now();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([run(), late]);
    ++count.passed;
    console.log(`  ok      ${name} (${Math.round(performance.now() - started)} ms)`);
  } catch (error) {
    ++count.failed;
    console.log(`  FAILED  ${name}\n${String(error.stack ?? error).split('\n').slice(0, 40).join('\n')}`);
  } finally {
    clearTimeout(timer);
  }
}

export function finish(client = 'grpc-js') {
  console.log(`${client}, ${MODE}: ${count.passed} passed, ${count.failed} failed`);
  process.exit(count.failed === 0 && count.passed > 0 ? 0 : 1);
}
