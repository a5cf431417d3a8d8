// A call by the Connect protocol: JSON, in envelopes where it is a stream.

const LAST = 2;  // the flag of the envelope that ends an answer

function envelope(message) {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const out = new Uint8Array(5 + body.length);
  new DataView(out.buffer).setUint32(1, body.length);
  out.set(body, 5);
  return out;
}

// The envelopes in a body as they come.
async function* envelopes(body) {
  const reader = body.getReader();
  let rest = new Uint8Array();
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const joined = new Uint8Array(rest.length + value.length);
    joined.set(rest);
    joined.set(value, rest.length);
    rest = joined;
    while (rest.length >= 5) {
      const size = new DataView(rest.buffer, rest.byteOffset).getUint32(1);
      if (rest.length < 5 + size) break;
      yield {flags: rest[0], text: new TextDecoder().decode(rest.subarray(5, 5 + size))};
      rest = rest.slice(5 + size);
    }
  }
}

// `messages` is a list of one, but for a stream of requests. Gives status, headers, size, and the error if there is one;
// what is answered goes to onMessage. Rejects where nobody answers.
export async function call({method, messages, token, process, signal, onMessage}) {
  const stream = method.kind !== 'unary';
  const headers = {'content-type': method.mediaType, 'connect-protocol-version': '1'};
  if (token) headers.authorization = `Bearer ${token}`;
  if (process) headers['nisi-service'] = process;
  const body = stream ? new Blob(messages.map(envelope)) : JSON.stringify(messages[0]);
  const response = await fetch(method.path, {method: 'POST', headers, body, signal, cache: 'no-store'});
  const result = {status: response.status, headers: [...response.headers], size: 0, error: null};
  if (stream && response.ok) {
    for await (const {flags, text} of envelopes(response.body)) {
      result.size += text.length;
      if (flags & LAST) result.error = JSON.parse(text).error ?? null;
      else onMessage(JSON.parse(text));
    }
    return result;
  }
  const text = await response.text();
  result.size = text.length;
  const parsed = parse(text);
  if (response.ok) onMessage(parsed);
  else result.error = parsed?.code ? parsed : {code: `http ${response.status}`, message: text.slice(0, 500)};
  return result;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
