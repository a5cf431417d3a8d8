// The suite called by a page in Chromium through @connectrpc/connect-web and grpc-web: preflights, streams and trailers
// as a browser has them, HTTP/1.1 in plain text and HTTP/2 under TLS. run_client_test.py starts both.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {readFileSync, rmSync, mkdtempSync} from 'node:fs';
import {createServer} from 'node:http';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {finish, pause, step} from './harness.mjs';

const HERE = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const MODULES = path.join(process.env.NISI_PACKAGES, 'node_modules');
const PORT = Number(process.env.NISI_PAGE_PORT);
const SECONDS = 40;
const IMPORTS = {
  '@bufbuild/protobuf': '/modules/@bufbuild/protobuf/dist/esm/index.js',
  '@bufbuild/protobuf/': '/modules/@bufbuild/protobuf/dist/esm/',
  '@bufbuild/protobuf/codegenv2': '/modules/@bufbuild/protobuf/dist/esm/codegenv2/index.js',
  '@bufbuild/protobuf/reflect': '/modules/@bufbuild/protobuf/dist/esm/reflect/index.js',
  '@bufbuild/protobuf/wire': '/modules/@bufbuild/protobuf/dist/esm/wire/index.js',
  '@bufbuild/protobuf/wkt': '/modules/@bufbuild/protobuf/dist/esm/wkt/index.js',
  '@connectrpc/connect': '/modules/@connectrpc/connect/dist/esm/index.js',
  '@connectrpc/connect/protocol': '/modules/@connectrpc/connect/dist/esm/protocol/index.js',
  '@connectrpc/connect/protocol-connect': '/modules/@connectrpc/connect/dist/esm/protocol-connect/index.js',
  '@connectrpc/connect/protocol-grpc': '/modules/@connectrpc/connect/dist/esm/protocol-grpc/index.js',
  '@connectrpc/connect/protocol-grpc-web': '/modules/@connectrpc/connect/dist/esm/protocol-grpc-web/index.js',
  '@connectrpc/connect-web': '/modules/@connectrpc/connect-web/dist/esm/index.js',
  'grpc-web': '/modules/grpc-web/index.esm.js',
};
const SETTINGS = {baseUrl: `${process.env.NISI_CA ? 'https' : 'http'}://${process.env.NISI_ADDRESS}`,
                  tokens: JSON.parse(process.env.NISI_TOKENS)};
const PAGE = `<!doctype html><script type="importmap">${JSON.stringify({imports: IMPORTS})}</script>
<script>window.settings = ${JSON.stringify(SETTINGS)};</script><script type="module" src="/page.mjs"></script>`;

let told;  // what the page says of its steps
const serve = createServer((request, response) => {
  const give = (type, body) => response.writeHead(200, {'content-type': type}).end(body);
  const target = request.url.split('?')[0];
  if (request.method === 'POST') {
    let body = '';
    request.on('data', part => (body += part)).on('end', () => {
      response.end();
      told(JSON.parse(body));
    });
  } else if (target === '/') {
    give('text/html; charset=utf-8', PAGE);
  } else if (/^\/page\w*\.mjs$/.test(target)) {
    give('text/javascript', readFileSync(path.join(HERE, target)));
  } else if (target === '/descriptors') {
    give('application/octet-stream', readFileSync(process.env.NISI_DESCRIPTORS));
  } else if (target.startsWith('/modules/') && !target.includes('..')) {
    give('text/javascript', readFileSync(path.join(MODULES, target.slice('/modules/'.length))));
  } else {
    response.writeHead(404).end();
  }
}).listen(PORT, '127.0.0.1');

// The steps that a page told of, by name: '' or what went wrong. On a busy machine a browser may hang as it starts: then
// another one is asked.
async function visit(host) {
  return visitOnce(host).catch(error => {
    if (!error.late) throw error;
    console.log(`  again   ${host}: ${error.message}`);
    return visitOnce(host);
  });
}

async function visitOnce(host) {
  const folder = mkdtempSync(path.join(tmpdir(), 'nisi-chromium-'));
  const results = new Promise(resolve => (told = resolve));
  // The certificate is one of a made authority; no sandbox where root runs the tests.
  const browser = spawn('chromium-headless-shell', ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--ignore-certificate-errors',
    '--no-proxy-server', `--user-data-dir=${folder}`, `http://${host}:${PORT}/`], {stdio: 'ignore', detached: true});
  const gone = new Promise((_, reject) => {
    browser.on('error', reject);
    browser.on('exit', code => reject(new Error(`chromium ended (${code}) before its page had told anything`)));
  });
  let timer;
  const late = new Promise((_, reject) => {
    const error = Object.assign(new Error(`the page told nothing within ${SECONDS} s`), {late: true});
    timer = setTimeout(() => reject(error), SECONDS * 1000);
  });
  gone.catch(() => {});
  try {
    return await Promise.race([results, gone, late]);
  } finally {
    clearTimeout(timer);
    process.kill(-browser.pid, 'SIGKILL');  // with all its processes
    await pause(500);
    rmSync(folder, {recursive: true, force: true, maxRetries: 20, retryDelay: 100});
  }
}

const here = await visit('127.0.0.1').catch(error => ({'a page whose origin was named': String(error.stack)}));
for (const [name, wrong] of Object.entries(here)) await step(name, async () => assert.equal(wrong, ''));
await step('a page of another origin reads nothing', async () => {
  const there = await visit('localhost');
  assert.ok(Object.keys(there).length > 3);
  // As fetch says it, and as grpc-web does.
  for (const [name, wrong] of Object.entries(there)) assert.match(wrong, /Failed to fetch|status code: 0/, name);
}, 100_000);
serve.close();
finish('chromium');
