// A Sparkplug B edge node with one device: sparkplug.js PORT. It prints the commands that it gets, and does what they
// say.
"use strict";

// The library dates each message: at a fixed time, so that its bytes are the same in each run.
const NOW = 1700000000000;
global.Date = class extends Date {
  constructor(...values) {
    super(...(values.length ? values : [NOW]));
  }
};

const sparkplug = require("sparkplug-client");

const metrics = (temperature) => [
  { name: "temperature", type: "Double", value: temperature },
  { name: "serial", type: "Bytes", value: new Uint8Array([0, 1, 2, 253, 254, 255]) },
];

const node = sparkplug.newClient({
  serverUrl: `mqtt://127.0.0.1:${process.argv[2]}`, username: "sparkplug@localhost", password: "secret",
  groupId: "house", edgeNode: "cellar", clientId: "cellar", version: "spBv1.0",
});

node.on("birth", () => {
  node.publishNodeBirth({ timestamp: NOW, metrics: [{ name: "Node Control/Rebirth", type: "Boolean", value: false }] });
  node.publishDeviceBirth("boiler", { timestamp: NOW, metrics: metrics(60.5) });
  console.log("born");
});

node.on("dcmd", (device, payload) => {
  const { name, value } = payload.metrics[0];
  console.log(`${device}: ${name} = ${value}`);
  node.publishDeviceData(device, { timestamp: NOW, metrics: metrics(value) }, { compress: true });
});

process.on("SIGTERM", () => node.stop());
