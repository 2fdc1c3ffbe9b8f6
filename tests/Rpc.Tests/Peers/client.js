// gRPC's interoperability cases, and limits and compression beside them, played by @grpc/grpc-js: node client.js PROTO PORT.
// Prints a line "CASE ok" or "CASE failed: WHY" for each case, in their order.
'use strict';
const assert = require('assert');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const testing = grpc.loadPackageDefinition(loader.loadSync(process.argv[2], { keepCase: true })).grpc.testing;
const target = `127.0.0.1:${process.argv[3]}`;
const limits = { 'grpc.max_send_message_length': -1, 'grpc.max_receive_message_length': -1 };
const client = new testing.TestService(target, grpc.credentials.createInsecure(), limits);
const other = new testing.UnimplementedService(target, grpc.credentials.createInsecure());
const zipped = new testing.TestService(target, grpc.credentials.createInsecure(), { 'grpc.default_compression_algorithm': 2 });

const zeroes = size => ({ body: Buffer.alloc(size) });
const unary = (stub, method, request, metadata = new grpc.Metadata()) => new Promise((resolve, reject) =>
  stub[method](request, metadata, (error, response) => (error ? reject(error) : resolve(response))));

function collect(call) {
  return new Promise((resolve, reject) => {
    const all = [];
    call.on('data', response => all.push(response));
    call.on('error', reject);
    call.on('end', () => resolve(all));
  });
}

async function statusOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return { code: 0 };
}

async function playStatus(message) {
  const response_status = { code: 2, message };
  const first = await statusOf(unary(client, 'UnaryCall', { response_status }));
  assert.deepStrictEqual([first.code, first.details], [2, message]);
  const call = client.FullDuplexCall();
  call.write({ response_status });
  call.end();
  const second = await statusOf(collect(call));
  assert.deepStrictEqual([second.code, second.details], [2, message]);
}

const cases = {
  empty_unary: () => unary(client, 'EmptyCall', {}),
  large_unary: async () => {
    const response = await unary(client, 'UnaryCall', { response_size: 314159, payload: zeroes(271828) });
    assert.strictEqual(response.payload.body.length, 314159);
  },
  client_streaming: async () => {
    const response = await new Promise((resolve, reject) => {
      const call = client.StreamingInputCall((error, value) => (error ? reject(error) : resolve(value)));
      for (const size of [27182, 8, 1828, 45904]) call.write({ payload: zeroes(size) });
      call.end();
    });
    assert.strictEqual(response.aggregated_payload_size, 74922);
  },
  server_streaming: async () => {
    const sizes = [31415, 9, 2653, 58979];
    const all = await collect(client.StreamingOutputCall({ response_parameters: sizes.map(size => ({ size })) }));
    assert.deepStrictEqual(all.map(response => response.payload.body.length), sizes);
  },
  ping_pong: async () => {
    const call = client.FullDuplexCall();
    for (const [sent, size] of [[27182, 31415], [8, 9], [1828, 2653], [45904, 58979]]) {
      const next = new Promise((resolve, reject) => { call.once('data', resolve); call.once('error', reject); });
      call.write({ payload: zeroes(sent), response_parameters: [{ size }] });
      assert.strictEqual((await next).payload.body.length, size);
    }
    call.end();
    assert.deepStrictEqual(await collect(call), []);
  },
  empty_stream: async () => {
    const call = client.FullDuplexCall();
    call.end();
    assert.deepStrictEqual(await collect(call), []);
  },
  cancel_after_begin: async () => {
    const status = await statusOf(new Promise((resolve, reject) => client.StreamingInputCall((error, value) => (error ? reject(error) : resolve(value))).cancel()));
    assert.strictEqual(status.code, grpc.status.CANCELLED);
  },
  cancel_after_first_response: async () => {
    const call = client.FullDuplexCall();
    call.write({ payload: zeroes(27182), response_parameters: [{ size: 31415 }] });
    call.once('data', () => call.cancel());
    assert.strictEqual((await statusOf(collect(call))).code, grpc.status.CANCELLED);
  },
  timeout_on_sleeping_server: async () => {
    const call = client.FullDuplexCall({ deadline: Date.now() + 1 });
    assert.strictEqual((await statusOf(collect(call))).code, grpc.status.DEADLINE_EXCEEDED);
  },
  deadline_kept_by_the_server: async () => {
    const headers = new grpc.Metadata();
    headers.set('grpc-timeout', '50m');
    const call = client.StreamingOutputCall({ response_parameters: [{ size: 1, interval_us: 60000000 }] }, headers);
    assert.strictEqual((await statusOf(collect(call))).code, grpc.status.DEADLINE_EXCEEDED);
  },
  status_code_and_message: () => playStatus('test status message'),
  special_status_message: () => playStatus('\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n'),
  custom_metadata: async () => {
    const headers = new grpc.Metadata();
    headers.set('x-grpc-test-echo-initial', 'test_initial_metadata_value');
    headers.set('x-grpc-test-echo-trailing-bin', Buffer.from([0xab, 0xab, 0xab]));
    const call = client.FullDuplexCall(headers);
    const first = new Promise(resolve => call.on('metadata', resolve));
    const last = new Promise(resolve => call.on('status', resolve));
    call.write({ response_parameters: [{ size: 10 }] });
    call.end();
    assert.strictEqual((await collect(call)).length, 1);
    assert.deepStrictEqual((await first).get('x-grpc-test-echo-initial'), ['test_initial_metadata_value']);
    assert.deepStrictEqual((await last).metadata.get('x-grpc-test-echo-trailing-bin'), [Buffer.from([0xab, 0xab, 0xab])]);
  },
  unimplemented_method: async () => assert.strictEqual((await statusOf(unary(client, 'UnimplementedCall', {}))).code, grpc.status.UNIMPLEMENTED),
  unimplemented_service: async () => assert.strictEqual((await statusOf(unary(other, 'UnimplementedCall', {}))).code, grpc.status.UNIMPLEMENTED),
  largest_request: async () => {
    // The payload's own tags and lengths, with the message around it, take 10 bytes of the 4 MiB.
    await unary(client, 'UnaryCall', { payload: zeroes((4 << 20) - 10) });
    assert.strictEqual((await statusOf(unary(client, 'UnaryCall', { payload: zeroes(4 << 20) }))).code, grpc.status.RESOURCE_EXHAUSTED);
  },
  compressed_request: async () => {
    const response = await unary(zipped, 'UnaryCall', { response_size: 100, payload: zeroes(271828) });
    assert.strictEqual(response.payload.body.length, 100);
  },
};

(async () => {
  for (const [name, play] of Object.entries(cases)) {
    try {
      await play();
      console.log(`${name} ok`);
    } catch (error) {
      console.log(`${name} failed: ${error.message.replace(/\n/g, ' ')}`);
    }
  }
  // Closing the clients is not enough: a call that a server ended before it was sent whole keeps its connection (with Go's server too).
  process.exit();
})();
