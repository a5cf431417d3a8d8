// What a client learns from the running gateway alone, as grpcurl does: no file of proto/ is used here, but in the
// last step, which compares.
import assert from 'node:assert/strict';
import {LOADING, TO_GOODS, call, definitions, grpc, headers, listen, reflectionDefinition,
        step} from './harness.mjs';

const GOODS = 'nisi.priority_goods.v1.PriorityGoodsService';
const JOURNAL = 'nisi.journal.v1.JournalService';
const HEALTH = 'grpc.health.v1.Health';
const OPTIONS = {'google.protobuf.ServiceOptions': 50100, 'google.protobuf.MethodOptions': 50101,
                 'google.protobuf.FieldOptions': 50102};

const isOurs = name => name.startsWith('nisi.');

// Several questions on one stream, as grpcurl asks; the answers in their order, or the stream's Refusal.
async function converse(connection, version, questions) {
  const client = connection.client(reflectionDefinition(version));
  const stream = client.ServerReflectionInfo(headers(), {deadline: Date.now() + 10_000});
  const heard = listen(stream);
  for (const question of questions) stream.write(question);
  stream.end();
  const refusal = await heard.ended;
  if (refusal !== null) throw refusal;
  return heard.messages;
}

// Of both names by which reflection is served, the newer is asked for; the older is held against it.
const NEWER = 'v1';

// The file descriptor that declares a symbol, with its custom options read by the reflected declarations themselves.
async function fileOf(connection, root, symbol) {
  const [answer] = await converse(connection, NEWER, [{file_containing_symbol: symbol}]);
  const File = root.lookupType('google.protobuf.FileDescriptorProto');
  return File.toObject(File.decode(answer.file_descriptor_response.file_descriptor_proto[0]),
                       {enums: String, longs: String});
}

async function reflect(connection) {
  const reflection = connection.reflection(NEWER);
  try {
    const listed = (await reflection.listServices()).sort();
    const services = {};
    for (const name of listed.filter(isOurs)) {
      services[name] = await reflection.getDescriptorBySymbol(name);
      services[name].getProtobufJsRoot().resolveAll();
    }
    return {listed, services};
  } finally {
    reflection.client.close();
  }
}

function clientOf(connection, services, name) {
  const loaded = services[name].getPackageDefinition(LOADING)[name];
  assert.ok(loaded, `no ${name} among what its descriptor was resolved to`);
  return connection.client(loaded);
}

function checkNames(listed) {
  for (const name of [GOODS, JOURNAL, HEALTH, 'grpc.reflection.v1.ServerReflection',
                      'grpc.reflection.v1alpha.ServerReflection']) {
    assert.ok(listed.includes(name), `${name} is not among ${listed}`);
  }
  assert.ok(!listed.some(name => name.startsWith('nisi.testing.')), `a service of the tests among ${listed}`);
  assert.equal(new Set(listed).size, listed.length, `a service twice among ${listed}`);
}

async function checkConversation(connection) {
  const questions = [
    {list_services: ''},
    {file_containing_symbol: `${GOODS}.CheckGoods`},
    {file_by_filename: 'nisi/rpc/v1/options.proto'},
    {file_containing_symbol: 'nisi.rpc.v1.Policy'},
    {file_containing_symbol: 'nisi.nowhere.v1.Nothing'},
    {list_services: ''},
  ];
  const answers = await converse(connection, NEWER, questions);
  assert.deepEqual(await converse(connection, 'v1alpha', questions), answers);
  assert.equal(answers.length, 6);
  for (const at of [1, 2, 3]) assert.ok(answers[at].file_descriptor_response.file_descriptor_proto.length > 0);
  assert.equal(answers[4].error_response.error_code, grpc.status.NOT_FOUND);
  assert.deepEqual(answers[5].list_services_response, answers[0].list_services_response);
}

async function checkExtensions(connection) {
  for (const [type, number] of Object.entries(OPTIONS)) {
    const [file, numbers] = await converse(connection, NEWER, [
      {file_containing_extension: {containing_type: type, extension_number: number}},
      {all_extension_numbers_of_type: type},
    ]);
    assert.ok(file.file_descriptor_response, `${type}: ${JSON.stringify(file.error_response)}`);
    assert.ok(numbers.all_extension_numbers_response.extension_number.includes(number), `${type} ${number}`);
  }
}

async function policiesOf(connection, services, name) {
  const file = await fileOf(connection, services[name].getProtobufJsRoot(), name);
  const service = file.service.find(each => `${file.package}.${each.name}` === name);
  assert.ok('.nisi.rpc.v1.service' in service.options, `${name} has no readable option (nisi.rpc.v1.service)`);
  return Object.fromEntries(service.method.map(method => {
    const policy = method.options?.['.nisi.rpc.v1.policy'];
    assert.ok(policy?.roles?.length > 0, `${name}.${method.name}: no policy is readable`);
    return [method.name, policy];
  }));
}

async function checkOptions(connection, services) {
  const goods = await policiesOf(connection, services, GOODS);
  assert.deepEqual([goods.CheckGoods.roles, goods.CheckGoods.article], [['PUBLIC'], 'Art. 26(1)']);
  assert.equal(goods.ApproveEdition.mutation, true);
  const journal = await policiesOf(connection, services, JOURNAL);
  assert.deepEqual(journal.GetTreeHead.roles, ['PUBLIC']);
  const file = await fileOf(connection, services[GOODS].getProtobufJsRoot(), 'nisi.priority_goods.v1.Entry');
  const code = file.message_type.find(type => type.name === 'Entry').field.find(field => field.name === 'goods_code');
  assert.deepEqual(code.options['.nisi.rpc.v1.field'], {required: true, format: 'GOODS_CODE', immutable: true});
}

function compareWithTree(services) {
  for (const name of Object.keys(services)) {
    const [reflected, tree] = [services[name].getPackageDefinition(LOADING)[name], definitions[name]];
    assert.ok(tree, `${name} is not in proto/`);
    const shape = ({path, requestStream, responseStream, requestType, responseType}) =>
      [path, requestStream, responseStream, requestType.type.name, responseType.type.name];
    assert.deepEqual(Object.values(reflected).map(shape), Object.values(tree).map(shape));
  }
}

// Gives what later steps call with: clients made from nothing but reflection.
export async function reflectionSteps(connection) {
  let listed;
  let services;
  const clients = {};
  await step('reflection: lists the services behind the gateway, health and itself', async () => {
    ({listed, services} = await reflect(connection));
    checkNames(listed);
  });
  await step('reflection: several questions on one stream', () => checkConversation(connection));
  await step('reflection: a client of every listed service is built from its descriptor', async () => {
    for (const name of Object.keys(services)) clients[name] = clientOf(connection, services, name);
    assert.ok(GOODS in clients && JOURNAL in clients);
  });
  await step('reflection: the custom options are found as extensions', () => checkExtensions(connection));
  await step('reflection: the custom options of services, methods and fields are readable',
             () => checkOptions(connection, services));
  await step('reflection: CheckGoods, no edition being in force', async () => {
    const answer = await call(clients[GOODS], 'CheckGoods', {codes: ['8400010000']});
    assert.deepEqual(answer.results.map(each => [each.code, each.verdict, each.reason]),
                     [['8400010000', 'NOT_LISTED', 'NO_EDITION_IN_FORCE']]);
    assert.equal(answer.edition, '');
  });
  await step('reflection: a standard service, by its metadata', async () => {
    const head = await call(clients[JOURNAL], 'GetTreeHead', {}, {extra: TO_GOODS});
    assert.deepEqual([head.origin, head.root.length, head.signature.length], ['priority-goods', 32, 64]);
  });
  await step('reflection: the services are those of proto/', () => compareWithTree(services));
  return clients[GOODS];
}
