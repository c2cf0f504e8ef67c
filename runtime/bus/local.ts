/** The local bus: a process of the same user reaches the bus of a running appliance through a unix socket. */
export { serveLocalBus } from './local-server.js';
export { connectLocalBus } from './local-client.js';
