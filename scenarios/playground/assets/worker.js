
// The worker: it starts the engine that it is sent, and passes questions to it.
globalThis.engineReady = () => postMessage({ ready: true });

onmessage = async ({ data }) => {
  try {
    if (data.module) {
      const go = new Go();
      go.env = { GOGC: '200' };
      const instance = await WebAssembly.instantiate(data.module, go.importObject);
      globalThis.engineMemory = instance.exports.mem;
      await go.run(instance);
      postMessage({ gone: 'the engine ended' });
      return;
    }
    askEngine(data.question, (answer) => postMessage({ answer, memory: engineMemory.buffer.byteLength }), (finished, total) => postMessage({ finished, total }));
  } catch (e) {
    postMessage({ gone: String(e) });
  }
};
