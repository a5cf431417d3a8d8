// openapi.json as the page needs it.

const SCHEMA = '#/components/schemas/';

export class Model {
  constructor(document) {
    this.document = document;
    this.codes = document['x-nisi-codes'];
    this.roles = document['x-nisi-roles'];
    this.services = document.tags.map((tag) => ({
      name: tag.name, full: tag['x-nisi-service'], about: tag.description ?? '', owner: tag['x-nisi-owner'] ?? '',
      processes: tag['x-nisi-processes'] ?? [], title: titleOf(tag), methods: []}));
    const byName = new Map(this.services.map((service) => [service.name, service]));
    for (const [path, item] of Object.entries(document.paths)) {
      const service = byName.get(item.post.tags[0]);
      service.methods.push(this.methodOf(service, path, item));
    }
  }

  methodOf(service, path, {post, get}) {
    const content = Object.entries(post.requestBody.content)[0];
    const answer = Object.values(post.responses['200'].content)[0];
    return {
      service, path, name: path.split('/')[2], summary: post.summary ?? '', about: post.description ?? '',
      roles: post['x-nisi-roles'], kind: post['x-nisi-kind'], mutation: Boolean(post['x-nisi-mutation']),
      article: post['x-nisi-article'] ?? '', deadlineMs: post['x-nisi-deadline-ms'],
      maxBytes: post['x-nisi-max-request-bytes'], command: post['x-nisi-command'],
      discloses: Boolean(post['x-nisi-discloses']), reasons: post['x-nisi-reasons'] ?? [], asLink: Boolean(get),
      mediaType: content[0], request: content[1].schema, examples: Object.values(content[1].examples).map((each) => each.value), answer: answer.schema};
  }

  find(serviceName, methodName) {
    const service = this.services.find((each) => each.name === serviceName);
    return {service, method: service?.methods.find((each) => each.name === methodName)};
  }

  // The schema that a reference names, with what stands beside the reference.
  resolve(schema) {
    return schema?.$ref ? {...this.document.components.schemas[schema.$ref.slice(SCHEMA.length)], ...schema} : schema;
  }

  nameOf(schema) {
    return schema.$ref?.slice(SCHEMA.length) ?? '';
  }
}

// "PriorityGoodsService" as "Priority goods".
function titleOf(tag) {
  const words = tag.name.replace(/Service$/, '').replace(/(?!^)([A-Z])/g, ' $1').toLowerCase();
  return words[0].toUpperCase() + words.slice(1);
}

export const isPublic = (method) => method.roles.includes('public');
export const mayCall = (method, role) => isPublic(method) || method.roles.includes(role);
export const hrefOf = (method) => `#/${method.service.name}/${method.name}`;

// What a field holds, in a word or two; `inner` where there is more to tell of it.
export function typeOf(model, schema) {
  const whole = model.resolve(schema);
  if (whole.type === 'array') {
    const item = typeOf(model, whole.items);
    return {...item, words: `list of ${item.words}`};
  }
  const name = model.nameOf(schema);
  if (whole.enum) return {words: 'one of', values: whole};
  if (name === 'google.type.Date') return {words: 'date', inner: null};
  if (name === 'google.type.Money') return {words: 'sum', inner: null};
  if (name === 'google.protobuf.Timestamp') return {words: 'moment', inner: null};
  if (name === 'google.protobuf.FieldMask') return {words: 'names of fields', inner: null};
  if (whole.properties) return {words: name.replace(/\.(Input|Update|Patch)$/, '').split('.').pop(), inner: schema};
  if (whole.contentEncoding) return {words: 'bytes in base64'};
  if (whole.format === 'int64') return {words: 'whole number in quotes'};
  return {words: {string: 'text', integer: 'whole number', boolean: 'true or false', object: 'object'}[whole.type] ?? 'any'};
}

// The rules that a field has, in words.
export function rulesOf(schema) {
  const one = schema.type === 'array' ? {...schema.items, ...schema} : schema;
  const said = [];
  const min = one['x-nisi-min'] ?? one.minimum;
  const max = one['x-nisi-max'] ?? one.maximum;
  if (min !== undefined) said.push(`at least ${min}`);
  if (max !== undefined) said.push(`at most ${max}`);
  if (one.minLength) said.push(`at least ${one.minLength} characters`);
  if (one.maxLength) said.push(`at most ${one.maxLength} characters`);
  if (one.minItems) said.push(`at least ${one.minItems} of them`);
  if (one.maxItems) said.push(`at most ${one.maxItems} of them`);
  if (one.uniqueItems) said.push('no two alike');
  if (one['x-nisi-immutable']) said.push('never changes');
  if (one['x-nisi-oneof']) said.push('one of several that exclude each other');
  return said;
}

// A path that a line may break in at its points.
export const breakable = (path) => path.split(/(?<=[./])/).flatMap((part, i) => (i ? [document.createElement('wbr'), part] : [part]));
