package nats

// Limits of the server. Those of settings are repeated in the tags of Config.
const headerRoom = 1 << 10 // of max_payload, for the headers of a chunk's message
