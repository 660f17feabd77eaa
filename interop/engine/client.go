package engine

import (
	"context"
	"log/slog"

	"github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore"
)

// Adapt returns client as the engine wants it: with Init and SetLogger beside
// the six methods of the contract. A client that has them is returned as it
// is, so that the engine still finds whatever else it can do. For any other,
// the two go to the nearest client in its stack that has them, and else do
// nothing.
func Adapt(client ltxstore.ReplicaClient) litestream.ReplicaClient {
	if c, ok := client.(litestream.ReplicaClient); ok {
		return c
	}
	return adapter{client}
}

type adapter struct{ ltxstore.ReplicaClient }

func (a adapter) Init(ctx context.Context) error {
	return ltxstore.Init(ctx, a.ReplicaClient)
}

func (a adapter) SetLogger(logger *slog.Logger) {
	if c, ok := ltxstore.As[ltxstore.LoggerSetter](a.ReplicaClient); ok {
		c.SetLogger(logger)
	}
}
