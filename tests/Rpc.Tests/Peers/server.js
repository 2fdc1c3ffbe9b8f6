// gRPC's interoperability service on @grpc/grpc-js: node server.js PROTO. Prints "port N".
'use strict';
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const testing = grpc.loadPackageDefinition(loader.loadSync(process.argv[2], { keepCase: true })).grpc.testing;
const initial = 'x-grpc-test-echo-initial';
const trailing = 'x-grpc-test-echo-trailing-bin';

function trailersOf(call) {
  const trailers = new grpc.Metadata();
  for (const value of call.metadata.get(trailing)) trailers.add(trailing, value);
  return trailers;
}

function echoInitial(call) {
  const headers = new grpc.Metadata();
  for (const value of call.metadata.get(initial)) headers.add(initial, value);
  call.sendMetadata(headers);
}

const payload = size => ({ payload: { body: Buffer.alloc(size) } });
const asked = status => (status && status.code ? { code: status.code, details: status.message } : null);

function answer(call, request) {
  const status = asked(request.response_status);
  if (status) {
    call.emit('error', status);
    return false;
  }
  for (const wanted of request.response_parameters) call.write(payload(wanted.size));
  return true;
}

function duplex(call) {
  echoInitial(call);
  let open = true;
  call.on('data', request => { open = open && answer(call, request); });
  call.on('end', () => { if (open) call.end(trailersOf(call)); });
}

const server = new grpc.Server();
server.addService(testing.TestService.service, {
  EmptyCall: (call, done) => done(null, {}),
  UnaryCall: (call, done) => {
    echoInitial(call);
    const status = asked(call.request.response_status);
    if (status) done(status);
    else done(null, payload(call.request.response_size), trailersOf(call));
  },
  StreamingOutputCall: call => { if (answer(call, call.request)) call.end(); },
  StreamingInputCall: (call, done) => {
    let sum = 0;
    call.on('data', request => { sum += request.payload.body.length; });
    call.on('end', () => done(null, { aggregated_payload_size: sum }));
  },
  FullDuplexCall: duplex,
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`port ${port}`);
});
