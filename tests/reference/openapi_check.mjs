// openapi.json by the validators of its standards. Called by openapi_test.py.
//   node openapi_check.mjs PACKAGES OPENAPI KEPT
// KEPT has a call a line: {path, request, answer}; null for what is not to be judged.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';

const [folder, openapi, kept] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const {Validator} = await load('@seriousme/openapi-schema-validator');
const Ajv2020 = require('ajv/dist/2020.js').default;
const addFormats = require('ajv-formats').default;

const read = () => JSON.parse(readFileSync(openapi, 'utf8'));
const isValid = async (document) => (await new Validator().validate(document)).valid;

assert.ok(await isValid(read()), 'openapi.json is no OpenAPI 3.1');
const broken = read();
broken.paths['/broken'] = {post: {parameters: [{name: 'nowhere'}]}};
assert.ok(!await isValid(broken), 'the validator finds nothing wrong in what is wrong');

// Answers are open for what a later version adds; here a field that the document does not know is a mistake of it.
const document = read();
for (const schema of Object.values(document.components.schemas)) {
  if (schema.properties && !schema.properties['@type']) schema.additionalProperties ??= false;
}
const ajv = new Ajv2020({strict: true, strictTypes: false, strictRequired: false, allErrors: true});
addFormats(ajv);
for (const format of ['int32', 'int64']) ajv.addFormat(format, true);
ajv.addKeyword('components');
for (const name of ['resource', 'immutable', 'confidential', 'oneof', 'min', 'max']) ajv.addKeyword(`x-nisi-${name}`);
ajv.addKeyword('x-enum-descriptions');
ajv.addSchema({$id: 'openapi:', components: document.components});

const validators = new Map();
function check(schema, value, what) {
  if (!validators.has(schema.$ref)) validators.set(schema.$ref, ajv.compile({$ref: `openapi:${schema.$ref}`}));
  const validate = validators.get(schema.$ref);
  assert.ok(validate(value), `${what}: ${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`);
}
const contentOf = (part) => Object.values(part.content)[0];

let examples = 0;
for (const [path, {post, get}] of Object.entries(document.paths)) {
  const request = contentOf(post.requestBody);
  for (const {value} of Object.values(request.examples)) check(request.schema, value, `example of ${path}`);
  if (get) assert.deepEqual(contentOf(get.parameters.find((each) => each.name === 'message')).schema, request.schema);
  check(contentOf(post.responses['200']).schema, {}, `an answer of defaults of ${path}`);
  ++examples;
}
assert.throws(() => check({$ref: '#/components/schemas/nisi.priority_goods.v1.CreateEntryRequest'}, {parent: 'editions/1'}, ''));

const entry = {$ref: '#/components/schemas/nisi.priority_goods.v1.Entry'};
assert.throws(() => check(entry, {goodsCode: '850423', colour: 'red'}, ''));
assert.throws(() => check(entry, {goodsCode: 850423}, ''));

let calls = 0;
for (const line of readFileSync(kept, 'utf8').split('\n').filter(Boolean)) {
  const {path, request, answer} = JSON.parse(line);
  const {post} = document.paths[path];
  if (request) check(contentOf(post.requestBody).schema, request, `request of ${path}`);
  check(contentOf(post.responses['200']).schema, answer, `answer of ${path}`);
  ++calls;
}
assert.ok(calls > 100, `${calls} calls are too few to tell`);
console.log(`${validators.size} schemas, ${examples} examples and ${calls} calls fit`);
