package nats

// defaultChunkSize is the default of NATS's own clients.
const defaultChunkSize = 128 << 10

// Limits of the server. Those of settings are repeated in the tags of Config.
const headerRoom = 1 << 10 // of max_payload, for the headers of a chunk's message
