// A call as one would type it.

// As a shell takes it, whatever it holds.
const quoted = (text) => `'${text.replace(/'/g, `'\\''`)}'`;

// For a stream curl would have to make the envelopes of the protocol: none is shown.
export function curlOf({method, request, process, signedIn, origin}) {
  if (method.kind !== 'unary') return '';
  return [`curl ${quoted(origin + method.path)}`,
    `-H 'content-type: application/json'`,
    signedIn ? '-H "authorization: Bearer $NISI_TOKEN"' : '',
    process ? `-H ${quoted(`nisi-service: ${process}`)}` : '',
    `-d ${quoted(JSON.stringify(request))}`].filter(Boolean).join(' \\\n  ');
}

// `nisi` takes the token from NISI_TOKEN by itself. An import's rows come from a file, its header as JSON.
export function nisiOf({method, request, process, origin}) {
  const url = new URL(origin);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const isImport = method.kind === 'client stream' && request?.header;
  const {rowCount, ...header} = request?.header ?? {};
  return [`nisi ${method.command}`,
    `--address ${url.hostname}:${port}`,
    url.protocol === 'https:' ? '--tls-ca ca.pem' : '',
    process ? `--service ${process}` : '',
    `--json ${quoted(JSON.stringify(isImport ? header : request))}`,
    isImport ? '--csv rows.csv' : ''].filter(Boolean).join(' \\\n  ');
}

// What changes nothing is also a link.
export function linkOf({method, request, process, origin}) {
  if (!method.asLink || process) return '';
  const query = new URLSearchParams({connect: 'v1', encoding: 'json', message: JSON.stringify(request)});
  return `${origin}${method.path}?${query}`;
}
