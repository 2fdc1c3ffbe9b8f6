// A gRPC program without a proxy and two servers for it: node grpc-mesh.js CONTROL-PORT ADDRESS:PORT=ANSWER...
// Each ADDRESS:PORT serves /test.Echo/Say with ANSWER. GET /?target=T&count=N[&user=U] on the control port calls T so often and
// tells how often which answer or error came.
'use strict';
const http = require('http');
const grpc = require('@grpc/grpc-js');
require('@grpc/grpc-js-xds').register();

const path = '/test.Echo/Say';
const same = bytes => bytes;
const method = {
  path, requestStream: false, responseStream: false, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
};

for (const argument of process.argv.slice(3)) {
  const [address, answer] = argument.split('=');
  const server = new grpc.Server();
  server.addService({ Say: method }, { Say: (call, done) => done(null, Buffer.from(answer)) });
  server.bindAsync(address, grpc.ServerCredentials.createInsecure(), error => { if (error) throw error; });
}

const clients = new Map();

function call(target, user) {
  if (!clients.has(target)) clients.set(target, new grpc.Client(target, grpc.credentials.createInsecure()));
  const metadata = new grpc.Metadata();
  if (user) metadata.set('end-user', user);
  return new Promise(resolve => clients.get(target).makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, { deadline: Date.now() + 30000 },
    (error, value) => resolve(error ? `error ${error.code}` : value.toString())));
}

http.createServer(async (request, response) => {
  const query = new URL(request.url, 'http://control').searchParams;
  const counts = {};
  for (let i = 0; i < Number(query.get('count')); i++) {
    const answer = await call(query.get('target'), query.get('user'));
    counts[answer] = (counts[answer] || 0) + 1;
  }
  response.end(JSON.stringify(counts));
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
